// The console's lint rules: TypeScript strict and type-checked, Lit templates, custom elements.
import js from "@eslint/js";
import { configs as lit } from "eslint-plugin-lit";
import { configs as wc } from "eslint-plugin-wc";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "node_modules/"] },
  js.configs.recommended,
  {
    files: ["src/**/*.ts", "test/**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked, lit["flat/recommended"], wc["flat/recommended"]],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Numbers are the most usual thing to put in a template.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      eqeqeq: "error",
    },
  },
  {
    files: ["public/app/*.js"],
    languageOptions: { globals: { caches: "readonly", fetch: "readonly", importScripts: "readonly", navigator: "readonly", self: "readonly", location: "readonly", URL: "readonly" } },
  },
  {
    files: ["dev/**/*.mjs"],
    languageOptions: { globals: { process: "readonly", console: "readonly", URL: "readonly", Buffer: "readonly", setInterval: "readonly", clearInterval: "readonly" } },
  },
);
