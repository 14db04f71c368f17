// The household app's entry: the language, the look, the app element, and the worker that lets it open without network.
import "../style/tokens.css";
import { beginLanguage } from "../language-choice.js";
import "./app.js";
import { tellLanguage } from "./push.js";

beginLanguage();
tellLanguage();
if ("serviceWorker" in navigator) {
  // What it keeps for later waits for what is needed now.
  window.addEventListener("load", () => void navigator.serviceWorker.register("/app/sw.js").catch(() => undefined));
}
