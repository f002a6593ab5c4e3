// The new device's page while another one is asked to approve it: looks every two seconds. Browser module.

const everyMs = 2_000
const main = document.querySelector('[data-approval]')

/** Asks how it stands. A page that nobody looks at does not ask. */
async function look() {
  if (document.visibilityState === 'hidden') return
  const response = await fetch('/approve/state', {
    headers: { accept: 'application/json' },
    credentials: 'same-origin',
    cache: 'no-store',
  }).catch(() => null)
  // Not reached, or too busy: the next look may be luckier.
  if (response === null || !response.ok) return
  const { state } = await response.json()
  if (state === 'waiting') return
  clearInterval(timer)
  const form = document.querySelector('form[data-approved]')
  if (state === 'approved' && form instanceof HTMLFormElement) form.requestSubmit()
  else location.reload()
}

const timer = setInterval(look, everyMs)
document.addEventListener('visibilitychange', look)
if (main === null) clearInterval(timer)
