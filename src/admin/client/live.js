// Parts of a page that follow what happens: machines and the health of the house. Browser module.

import { fetchPage, later, listen } from './shared.js'

const parts = '[data-vm],[data-health]'

/** Everything that differs takes the place of what is there, unless somebody is at work in it. */
const refresh = later(200, async () => {
  const page = await fetchPage(location.pathname)
  if (page === null) return
  const next = [...page.querySelectorAll(parts)]
  const here = [...document.querySelectorAll(parts)]
  if (next.length !== here.length) return
  here.forEach((part, i) => {
    const other = next[i]
    if (other === undefined || part.contains(document.activeElement)) return
    // What was unfolded stays so.
    other.querySelectorAll('details').forEach((details, at) => {
      details.open = part.querySelectorAll('details')[at]?.open ?? details.open
    })
    if (part.innerHTML !== other.innerHTML) part.replaceWith(other)
  })
})

/** The first word of each subject is what the page says already. */
const heard = new Set()
const news = (/** @type {string} */ topic) => () => {
  if (heard.has(topic)) refresh()
  heard.add(topic)
}

const topics = []
if (document.querySelector('[data-vm]') !== null) topics.push('vms')
if (document.querySelector('[data-health]') !== null) topics.push('health')
listen(Object.fromEntries(topics.map((topic) => [topic, news(topic)])))
