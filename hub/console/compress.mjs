// Lays a compressed copy beside each built file that is text; the hub sends it to browsers that can read it.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { constants, brotliCompressSync, gzipSync } from "node:zlib";

const TEXT = /\.(js|css|html|svg|json|webmanifest)$/;
const folder = join(import.meta.dirname, "dist");

for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !TEXT.test(entry.name)) continue;
  const path = join(entry.parentPath, entry.name);
  const content = await readFile(path);
  await writeFile(`${path}.gz`, gzipSync(content, { level: 9 }));
  await writeFile(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
}
