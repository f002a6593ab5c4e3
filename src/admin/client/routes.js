// The table of routes: search while typing, sorting without a new page, live states, keys. Browser module.

import { element, fetchPage, later, listen } from './shared.js'

const form = document.querySelector('form[data-filter]')
const search = document.getElementById('q')
const count = document.querySelector('[data-count]')

const table = () => document.querySelector('table[data-routes]')
const rows = () => [...document.querySelectorAll('table[data-routes] tr[data-id]')]

/** Rows that do not say it are hidden; a host without rows too. */
function filter() {
  if (!(search instanceof HTMLInputElement)) return
  const words = search.value.toLowerCase().split(/\s+/)
  let shown = 0
  /** @type {HTMLElement | null} */
  let group = null
  for (const row of document.querySelectorAll('table[data-routes] tbody tr')) {
    if (!(row instanceof HTMLElement)) continue
    if (row.classList.contains('group')) {
      group = row
      group.hidden = true
      continue
    }
    const host = group?.querySelector('th')?.firstChild?.textContent ?? ''
    const text = `${host} ${row.textContent}`.toLowerCase()
    row.hidden = !words.every((word) => text.includes(word))
    if (row.hidden) continue
    shown += 1
    if (group !== null) group.hidden = false
  }
  if (count !== null)
    count.textContent = words.join('') === '' ? '' : `${shown} of ${rows().length}`
}

if (form instanceof HTMLFormElement && search instanceof HTMLInputElement) {
  // What the server left out cannot be shown again here: then the form asks it.
  const isWhole = search.value === ''
  for (const button of form.querySelectorAll('[data-without-script]')) {
    if (button instanceof HTMLElement) button.hidden = isWhole
  }
  for (const key of form.querySelectorAll('[data-shortcut]')) key.removeAttribute('hidden')
  if (isWhole) {
    search.addEventListener('input', filter)
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      const first = rows().find((row) => row instanceof HTMLElement && !row.hidden)
      first?.querySelector('a')?.focus()
    })
  } else {
    search.addEventListener('search', () => form.requestSubmit())
  }
  // The browser may have kept what was typed before.
  if (isWhole) filter()
}

/** Another order comes from the server, and takes the place of this one. */
document.addEventListener('click', async (event) => {
  if (!(event instanceof MouseEvent) || event.ctrlKey || event.metaKey || event.shiftKey) return
  const link = event.target instanceof Element ? event.target.closest('thead a') : null
  if (!(link instanceof HTMLAnchorElement)) return
  event.preventDefault()
  const page = await fetchPage(link.href)
  const next = page?.querySelector('table[data-routes]')
  if (next == null) {
    location.assign(link.href)
    return
  }
  const position = [...document.querySelectorAll('thead a')].indexOf(link)
  table()?.replaceWith(next)
  history.replaceState(null, '', link.href)
  filter()
  const again = document.querySelectorAll('thead a')[position]
  if (again instanceof HTMLElement) again.focus()
})

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const active = document.activeElement
  const types = active instanceof HTMLInputElement || active instanceof HTMLTextAreaElement
  if (event.key === '/' && !types && search !== null) {
    event.preventDefault()
    search.focus()
    return
  }
  const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
  if (step === 0 || (types && active !== search)) return
  const links = rows().flatMap((row) =>
    row instanceof HTMLElement && !row.hidden ? [row.querySelector('a')] : [],
  )
  const at = links.findIndex((link) => link?.closest('tr') === active?.closest('tr'))
  const next = active === search ? links[0] : at === -1 ? null : links[at + step]
  if (next == null) return
  event.preventDefault()
  next.focus()
})

/** @type {Record<string, [look: string, words: string]>} */
const looks = {
  answering: ['good', 'answers'],
  failing: ['bad', 'fails'],
  asleep: ['sleep', 'sleeps'],
  waking: ['warn busy', 'wakes up'],
}
/** @type {Map<string, string>} */
const told = new Map()

/** @param {Record<string, { state: string }>} targets */
function showStates(targets) {
  for (const row of rows()) {
    const id = row.getAttribute('data-id') ?? ''
    const state = targets[id]?.state
    const cell = row.querySelector('[data-state]')
    // The first word of it is what the page says already, better.
    const isNews = told.has(id) && told.get(id) !== state
    if (state !== undefined) told.set(id, state)
    if (!isNews || state === undefined || cell === null) continue
    const [look, words] = looks[state] ?? ['none', '']
    cell.replaceChildren(...(words === '' ? [] : [element('span', words, `state ${look}`)]))
  }
}

let etag = ''
const reload = later(300, async () => {
  const page = await fetchPage(location.href)
  const next = page?.querySelector('table[data-routes]')
  if (next == null || table()?.contains(document.activeElement)) return
  table()?.replaceWith(next)
  filter()
})

listen({
  targets: showStates,
  routes: (file) => {
    if (etag !== '' && etag !== file.etag) reload()
    etag = file.etag
  },
})
