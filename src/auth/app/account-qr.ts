// A QR code as SVG, made here: the secret in it goes to no other host.

import { type Html, html } from './html.ts'

/** @param label what a screen reader says in its place. */
export async function qrCode(text: string, label: string): Promise<Html> {
  const { encode } = await import('uqr')
  const { size, data } = encode(text, { ecc: 'M', border: quietZone })
  let path = ''
  for (const [y, row] of data.entries()) {
    for (let x = 0; x < row.length; x++) {
      if (row[x] !== true) continue
      const start = x
      while (row[x + 1] === true) x += 1
      path += `M${start} ${y}h${x - start + 1}v1H${start}z`
    }
  }
  // Black on white in the dark scheme too: many scanners do not read the negative.
  return html`<svg class="qr" viewBox="0 0 ${size} ${size}" role="img" aria-label="${label}" shape-rendering="crispEdges"><path fill="white" d="M0 0h${size}v${size}H0z"/><path fill="black" d="${path}"/></svg>`
}

/** Modules of white around it; the page's own padding is white too, so less than the four of ISO/IEC 18004 §6.3.8. */
const quietZone = 2
