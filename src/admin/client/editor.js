// The editor of the file: line numbers, indentation, and the server's problems while somebody types. Browser module.

import { element, later, post } from './shared.js'

const editor = document.querySelector('[data-editor]')
const area = editor?.querySelector('textarea')
const gutter = editor?.querySelector('.gutter')
const live = document.querySelector('form.editor [data-live]')

if (area instanceof HTMLTextAreaElement && gutter instanceof HTMLElement) {
  /** Worst severity by line. @type {Map<number, string>} */
  let marks = new Map()
  let drawn = ''

  const draw = () => {
    const count = area.value.split('\n').length
    const state = `${count} ${[...marks].join(' ')}`
    if (state !== drawn) {
      drawn = state
      const lines = []
      for (let line = 1; line <= count; line++) {
        const mark = marks.get(line)
        const tag = mark === 'error' ? 'b' : mark === 'warning' ? 'i' : null
        lines.push(tag === null ? `${line}\n` : element(tag, `${line}`), tag === null ? '' : '\n')
      }
      gutter.replaceChildren(...lines)
    }
    gutter.scrollTop = area.scrollTop
  }

  /** @param {number} line @param {number} column */
  const goTo = (line, column) => {
    const before = area.value.split('\n').slice(0, line - 1)
    const start = before.reduce((sum, text) => sum + text.length + 1, 0) + column - 1
    area.focus()
    area.setSelectionRange(start, start)
    const height = Number.parseFloat(getComputedStyle(area).lineHeight)
    area.scrollTop = Math.max(0, (line - 6) * height)
    draw()
  }

  /** A problem's line becomes a way there. @param {Element} item */
  const makeWay = (item) => {
    const tag = item.querySelector('.tag')
    if (tag === null || tag instanceof HTMLButtonElement) return
    const button = element('button', tag.textContent ?? '', tag.className)
    button.setAttribute('type', 'button')
    button.addEventListener('click', () =>
      goTo(Number(item.getAttribute('data-line')), Number(item.getAttribute('data-column'))),
    )
    tag.replaceWith(button)
  }

  /** @param {{ severity: string, line: number, column: number, where: string, what: string, remedy: string }[]} problems */
  const show = (problems) => {
    marks = new Map()
    for (const { line, severity } of problems) {
      if (marks.get(line) !== 'error') marks.set(line, severity)
    }
    draw()
    for (const old of document.querySelectorAll('[data-problems]')) old.remove()
    const list = element('ul', '', 'problems')
    for (const { severity, line, column, where, what, remedy } of problems.slice(0, 50)) {
      const item = element('li', '', severity)
      item.setAttribute('data-line', String(line))
      item.setAttribute('data-column', String(column))
      const tag = element('span', `line ${line}`, `tag ${severity === 'error' ? 'bad' : 'warn'}`)
      const end = remedy.endsWith('?') ? '' : '.'
      item.append(tag, ` ${where === '' ? '' : `${where}: `}${what}; ${remedy}${end}`)
      makeWay(item)
      list.append(item)
    }
    const errors = problems.filter(({ severity }) => severity === 'error').length
    const words = errors === 0 ? 'No mistakes.' : `${errors} to mend.`
    live?.replaceChildren(element('p', words, errors === 0 ? 'meta' : 'error'), list)
  }

  let running = new AbortController()
  const soon = later(500, async () => {
    running.abort()
    running = new AbortController()
    const change = { kind: 'text', text: area.value }
    const preview = await post('/api/v1/routes/preview', { change }, running.signal)
    if (preview !== null) show([...preview.problems, ...preview.warnings])
  })

  let leaves = false
  area.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') leaves = true
    else if (event.key === 'Tab' && !leaves && !event.shiftKey && !event.ctrlKey && !event.altKey) {
      event.preventDefault()
      // Keeps the browser's undo, which setting the value would not.
      document.execCommand('insertText', false, '  ')
    } else if (event.key !== 'Shift') leaves = false
  })
  area.addEventListener('input', () => {
    draw()
    soon()
  })
  area.addEventListener('scroll', () => {
    gutter.scrollTop = area.scrollTop
  })
  gutter.hidden = false
  for (const hint of document.querySelectorAll('[data-keys]')) hint.removeAttribute('hidden')
  for (const item of document.querySelectorAll('[data-problems] [data-line]')) {
    const line = Number(item.getAttribute('data-line'))
    if (marks.get(line) !== 'error') marks.set(line, item.className)
    makeWay(item)
  }
  draw()
}
