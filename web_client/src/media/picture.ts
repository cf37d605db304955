// A photo for the record: drawn anew as a JPEG small enough for a thin link, which also leaves behind the place and the
// device that a camera writes into its files. The original can be sent instead when its every pixel is evidence.

export interface Picture {
  readonly data: Blob;
  readonly width: number;
  readonly height: number;
}

const LONGEST = 1_600;
const GOAL_BYTES = 300_000;

/** Throws when the bytes are not a picture this browser can draw. */
export async function shrink(original: Blob): Promise<Picture> {
  const source = await draw(original);
  const scale = Math.min(1, LONGEST / Math.max(source.width, source.height));
  let width = Math.max(1, Math.round(source.width * scale));
  let height = Math.max(1, Math.round(source.height * scale));
  const canvas = document.createElement("canvas");
  let data: Blob | null = null;
  for (let quality = 0.82; ; quality -= 0.14) {
    if (quality < 0.45) {
      quality = 0.7;
      width = Math.round(width * 0.7);
      height = Math.round(height * 0.7);
    }
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("no canvas");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.drawImage(source.image, 0, 0, width, height);
    data = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
    if (data === null) throw new Error("no picture");
    if (data.size <= GOAL_BYTES || width < 200) break;
  }
  source.release();
  return { data, width, height };
}

/** Width and height as shown, without drawing it anew. */
export async function sizeOf(original: Blob): Promise<{ readonly width: number; readonly height: number }> {
  const source = await draw(original);
  source.release();
  return { width: source.width, height: source.height };
}

interface Drawn {
  readonly image: CanvasImageSource;
  readonly width: number;
  readonly height: number;
  release(): void;
}

async function draw(original: Blob): Promise<Drawn> {
  const url = URL.createObjectURL(original);
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
  } catch (error) {
    URL.revokeObjectURL(url);
    throw error;
  }
  return { image, width: image.naturalWidth, height: image.naturalHeight, release: () => URL.revokeObjectURL(url) };
}
