// Serves dist/ and the made-up API for looking at the console: `npm run build && npm run dev`. Not shipped.
// Users: admin/admin and auditor/auditor. Environment: PORT, HOUSEHOLDS, START (ISO time of the simulated clock), SPEED (simulated seconds per second).
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { answers } from "./answers.mjs";
import { COMMUNITY, settle } from "./community.mjs";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const BASE = "/api/v1/console";
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2" };
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'";

const began = Date.now();
const start = Date.parse(process.env.START ?? "2026-11-20T11:38:00Z") / 1000;
const clock = () => Math.floor(start + ((Date.now() - began) / 1000) * Number(process.env.SPEED ?? 1));
const api = answers(settle(Number(process.env.HOUSEHOLDS ?? 24)), clock);
const sessions = new Map();

const sessionOf = (request) => sessions.get(/session=(\w+)/.exec(request.headers.cookie ?? "")?.[1]);
const problem = (response, status, detail) => send(response, status, { type: "about:blank", title: detail, status, detail }, {}, "application/problem+json");

function send(response, status, body, headers = {}, type = "application/json") {
  response.writeHead(status, { "Content-Type": type, ...headers });
  response.end(JSON.stringify(body));
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString() || "{}");
}

async function answer(request, response, url) {
  const path = url.pathname.slice(BASE.length + 1);
  if (path === "sign-in") {
    const { user, password } = await bodyOf(request);
    if (!["admin", "auditor"].includes(user) || password !== user) return problem(response, 401, "Wrong user or password.");
    const key = Math.random().toString(36).slice(2);
    const session = { user, role: user, community: { id: COMMUNITY.id, name: COMMUNITY.name }, csrf: `csrf${key}` };
    sessions.set(key, session);
    return send(response, 200, session, { "Set-Cookie": `session=${key}; HttpOnly; Path=/; SameSite=Strict` });
  }
  const session = sessionOf(request);
  if (!session && path === "session") return send(response, 200, null);
  if (!session) return problem(response, 401, "Sign in first.");
  if (request.method !== "GET" && request.headers["x-csrf-token"] !== session.csrf) return problem(response, 403, "The CSRF token is missing or wrong.");
  if (path === "session") return send(response, 200, session);
  if (path === "sign-out") return response.writeHead(204, { "Set-Cookie": "session=; Max-Age=0; Path=/" }).end();
  const resolved = /^reviews\/(\d+)\/resolve$/.exec(path);
  if (resolved) {
    if (session.role !== "admin") return problem(response, 403, "Only an admin resolves reviews.");
    const { problem: refused } = api.resolve(Number(resolved[1]), await bodyOf(request));
    return refused ? problem(response, ...refused) : send(response, 200, {});
  }
  if (path.startsWith("periods/")) return send(response, 200, api.period(decodeURIComponent(path.slice(8))));
  if (!(path in api)) return problem(response, 404, `There is no ${url.pathname}.`);
  return send(response, 200, api[path](url.searchParams));
}

function serveFile(response, path) {
  let file = join(DIST, normalize(path));
  if (!file.startsWith(DIST) || !existsSync(file) || statSync(file).isDirectory()) file = join(DIST, "index.html");
  response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream", "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff" });
  createReadStream(file).pipe(response);
}

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (!url.pathname.startsWith("/api/")) return serveFile(response, url.pathname);
  answer(request, response, url).catch((fault) => problem(response, 500, String(fault)));
});

const sockets = new WebSocketServer({ noServer: true });
server.on("upgrade", (request, socket, head) => {
  if (request.url !== `${BASE}/live` || !sessionOf(request)) return socket.destroy();
  sockets.handleUpgrade(request, socket, head, (client) => {
    const push = () => client.send(JSON.stringify(api.overview()));
    push();
    const timer = setInterval(push, 1000);
    client.on("close", () => clearInterval(timer));
  });
});
server.listen(Number(process.env.PORT ?? 5180), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
