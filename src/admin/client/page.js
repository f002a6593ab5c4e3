// Small conveniences of every admin page; everything works without them. Browser module.

/** Times of day as the reader's own clock has them. */
for (const time of document.querySelectorAll('time[data-clock]')) {
  const at = new Date(time.getAttribute('datetime') ?? '')
  time.setAttribute('title', time.textContent ?? '')
  time.textContent = at.toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
}

/** The open place is in sight where the navigation is a strip. */
const open = document.querySelector('.bar [aria-current]')
const strip = open?.closest('nav')
if (open instanceof HTMLElement && strip instanceof HTMLElement) {
  strip.scrollLeft = open.offsetLeft - strip.clientWidth / 2 + open.clientWidth / 2
}

/** How long is left to keep a change; when it is over, the page shows what holds now. */
for (const place of document.querySelectorAll('[data-left]')) {
  // Counted from the page's beginning: the server's clock may not be ours.
  const whole = Number(place.getAttribute('data-left'))
  const tick = () => {
    const left = Math.ceil((whole - performance.now()) / 1000)
    if (left < -1) location.assign(location.pathname)
    else place.textContent = ` (in ${Math.max(0, left)} s)`
  }
  tick()
  setInterval(tick, 1000)
}

/** What cannot be undone asks once more. */
for (const form of document.querySelectorAll('form[data-sure]')) {
  form.addEventListener('submit', (event) => {
    if (!confirm(form.getAttribute('data-sure') ?? '')) event.preventDefault()
  })
}

for (const button of document.querySelectorAll('button[data-copy]')) {
  if (!(button instanceof HTMLButtonElement) || navigator.clipboard === undefined) continue
  const source = document.getElementById(button.dataset.copy ?? '')
  if (source === null) continue
  const label = button.textContent
  button.hidden = false
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(source.textContent.trim())
      button.textContent = 'Copied'
    } catch {
      // Not allowed to: the text is there to be selected by hand.
      getSelection()?.selectAllChildren(source)
    }
    setTimeout(() => {
      button.textContent = label
    }, 2_000)
  })
}

/** What was done is said once: a reload, or a bookmark, does not say it again. */
const address = new URL(location.href)
if (address.searchParams.has('done')) {
  address.searchParams.delete('done')
  history.replaceState(history.state, '', address)
}
