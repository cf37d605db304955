// A link as a QR code: a picture of its own, for the strict policy lets no foreign markup into the page.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

export function Qr({ svg, alt }: { readonly svg: string; readonly alt: string }): JSX.Element | null {
  const url = useSignal("");
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    url.value = made;
    return () => URL.revokeObjectURL(made);
  }, [svg]);
  return url.value === "" ? null : <img class="qr" src={url.value} alt={alt} width={200} height={200} />;
}
