// A picture made small enough to send: drawn again at most 1400 pixels wide, as a JPEG of at most 150 kB.

const LONGEST = 1400;
const MOST_BYTES = 150_000;

async function drawn(picture: ImageBitmap, longest: number, quality: number): Promise<Blob> {
  const scale = Math.min(1, longest / Math.max(picture.width, picture.height));
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(picture.width * scale)), Math.max(1, Math.round(picture.height * scale)));
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser cannot draw pictures");
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/jpeg", quality });
}

/** The picture in base64, and its size in bytes; what is hidden in the file, such as where it was taken, is left out. */
export async function smallPicture(file: Blob): Promise<{ base64: string; bytes: number }> {
  const picture = await createImageBitmap(file);
  let longest = LONGEST;
  let blob = await drawn(picture, longest, 0.8);
  while (blob.size > MOST_BYTES && longest > 200) {
    longest = Math.round(longest * 0.75);
    blob = await drawn(picture, longest, 0.7);
  }
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return { base64: btoa(text), bytes: bytes.length };
}
