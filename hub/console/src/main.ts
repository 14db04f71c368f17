// The console's entry: the language, the global look, and the application element.
import "./style/tokens.css";
import { beginLanguage } from "./language.js";
import "./app.js";

beginLanguage();
