// A text as a QR code, drawn as a picture without any address: the page's policy allows none.
import { html, type TemplateResult } from "lit";
import qrcode from "qrcode-generator";

export function qrCode(text: string, label: string): TemplateResult {
  const code = qrcode(0, "M");
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  const squares: string[] = [];
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) if (code.isDark(y, x)) squares.push(`M${x} ${y}h1v1h-1z`);
  }
  return html`<svg class="qr" role="img" aria-label=${label} viewBox="-4 -4 ${size + 8} ${size + 8}" shape-rendering="crispEdges"><path d=${squares.join("")}></path></svg>`;
}
