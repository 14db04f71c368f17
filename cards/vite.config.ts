// Builds one script into the integration, where Home Assistant serves it; script/build-cards runs this.
import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    outDir: "../custom_components/energy_swap/frontend",
    emptyOutDir: true,
    rolldownOptions: { output: { codeSplitting: false } },
    lib: { entry: "src/energy-swap.ts", formats: ["es"], fileName: () => "energy-swap.js" },
  },
});
