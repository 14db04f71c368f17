// Builds one script into the integration, where Home Assistant serves it; script/build-cards runs this.
import { defineConfig, type Plugin } from "vite";

/**
 * Lets the script begin after Home Assistant's own: that puts another registry of elements in the place of the browser's,
 * and never learns of what was defined before. A page without it, as in a frame, has nothing to wait for.
 */
const afterHomeAssistant: Plugin = {
  name: "after-home-assistant",
  generateBundle(_options, bundle) {
    for (const made of Object.values(bundle)) {
      if (made.type !== "chunk") continue;
      made.code = `const begin = () => {
${made.code}};
const app = "home-assistant";
if (!document.querySelector(app) || customElements.get(app)) begin();
else customElements.whenDefined(app).then(begin);
`;
    }
  },
};

export default defineConfig({
  plugins: [afterHomeAssistant],
  build: {
    target: "es2022",
    outDir: "../custom_components/energy_swap/frontend",
    emptyOutDir: true,
    rolldownOptions: { output: { codeSplitting: false } },
    lib: { entry: "src/energy-swap.ts", formats: ["es"], fileName: () => "energy-swap.js" },
  },
});
