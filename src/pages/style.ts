// How everything of Gatehouse's own looks: the tokens, and the sheet of its small pages. Nothing else names a colour.

import { createHash } from 'node:crypto'

/**
 * The visual language: warm paper, ink, one green. Text on paper has a contrast of at least 7:1 (`ink`) or 4.5:1
 * (`soft`, `accent`, `danger`), `line` at least 3:1 where it bounds a control (WCAG 2.2 §1.4.3, §1.4.11); a test computes it.
 * `warn` and `sleep` are words about a state; `gone` and `fresh` lie behind `ink` where a text differs. `blank` is what a camera reads a code on, `veil` what lies over the page behind a dialog.
 */
export const tokens = {
  light: {
    paper: '#f8f7f2',
    raised: '#fffefb',
    ink: '#1f2420',
    soft: '#586059',
    hair: '#e2dfd4',
    line: '#8a8f86',
    accent: '#1b6a4e',
    onAccent: '#ffffff',
    danger: '#a2302a',
    warn: '#805300',
    sleep: '#51609a',
    gone: '#fae4e1',
    fresh: '#dff0e6',
    blank: '#ffffff',
    veil: 'rgb(31 36 32/.4)',
  },
  dark: {
    paper: '#141715',
    raised: '#1c201d',
    ink: '#e8ebe5',
    soft: '#a2aba3',
    hair: '#2c322e',
    line: '#6d766f',
    accent: '#82d3ab',
    onAccent: '#0f2119',
    danger: '#f2a49b',
    warn: '#e3b968',
    sleep: '#a4b5ea',
    gone: '#3d2421',
    fresh: '#1b3427',
    blank: '#ffffff',
    veil: 'rgb(0 0 0/.6)',
  },
} as const

export type Palette = Readonly<Record<keyof typeof tokens.light, string>>

/** No font is fetched: nothing of ours comes from another host, and the machine's own is the calmest. */
const fonts = {
  text: 'system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",Cantarell,sans-serif',
  mono: 'ui-monospace,"SF Mono","Cascadia Code",Menlo,Consolas,monospace',
} as const

/** Custom properties for both schemes; the beginning of every sheet. */
export const tokenSheet = `:root{color-scheme:light dark;${properties(tokens.light)}--text:${fonts.text};--mono:${fonts.mono}}@media(prefers-color-scheme:dark){:root{${properties(tokens.dark)}}}`

/** The sheet of landing, failure and status pages; written into the page, so that a page is one request. */
export const pageStyle = `${tokenSheet}${[
  '*,::before,::after{box-sizing:border-box}',
  'html{-webkit-text-size-adjust:100%;text-size-adjust:100%}',
  'body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;background:var(--paper);color:var(--ink);font:1.0625rem/1.6 var(--text);-webkit-font-smoothing:antialiased}',
  'main{flex:1;width:100%;max-width:38rem;margin:0 auto;padding:clamp(3.5rem,18vh,10rem) 1.5rem 3rem}',
  '.mark{display:block;width:3rem;height:3rem;margin:0 0 2.25rem;color:var(--accent)}',
  '.eyebrow{margin:0 0 .5rem;color:var(--soft);font-size:.9375rem;overflow-wrap:anywhere}',
  'h1{margin:0;font-size:clamp(1.75rem,1.3rem + 2.2vw,2.5rem);font-weight:620;line-height:1.18;letter-spacing:-.018em;text-wrap:balance;overflow-wrap:break-word}',
  '.lead{margin:1rem 0 0;max-width:32rem;color:var(--soft);text-wrap:balance;overflow-wrap:break-word}',
  '.note{margin:1.5rem 0 0;padding:.125rem 0 .125rem 1rem;border-left:3px solid var(--accent);overflow-wrap:break-word}',
  '.go{margin:2.25rem 0 0}',
  '.button{display:inline-block;min-height:3rem;padding:.6875rem 1.375rem;border:1px solid transparent;border-radius:.625rem;background:var(--accent);color:var(--on-accent);font-weight:600;text-decoration:none}',
  '.button.quiet{background:transparent;border-color:var(--line);color:var(--ink)}',
  '.button:hover{text-decoration:underline;text-underline-offset:.2em}',
  'a:focus-visible{outline:3px solid var(--accent);outline-offset:3px}',
  'footer{width:100%;max-width:38rem;margin:0 auto;padding:0 1.5rem 2rem;color:var(--soft);font-size:.875rem}',
  'footer dl{display:flex;flex-wrap:wrap;gap:.25rem 2rem;margin:0;padding:1.25rem 0 0;border-top:1px solid var(--hair)}',
  'footer div{display:flex;gap:.5rem}',
  'dd{margin:0;color:var(--ink);font-family:var(--mono);font-size:.8125rem;line-height:1.72;overflow-wrap:anywhere;-webkit-user-select:all;user-select:all}',
  '@media(prefers-reduced-motion:no-preference){.button{transition:filter .15s}.button:hover{filter:brightness(1.08)}}',
  '@media print{.mark,.go{display:none}}',
].join('')}`

/** Source expression for the sheet in a Content-Security-Policy (CSP3 §2.3.1). */
export const pageStyleSource = `'sha256-${createHash('sha256').update(pageStyle).digest('base64')}'`

function properties(palette: Palette): string {
  return Object.entries(palette)
    .map(([name, value]) => `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}:${value};`)
    .join('')
}
