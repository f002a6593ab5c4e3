// The form of a route: what it would mean, and what is wrong, while somebody types; does the target answer. Browser module.

import { element, later, post } from './shared.js'

const form = document.querySelector('form[data-route-form]')
const aside = document.querySelector('[data-live]')

if (form instanceof HTMLFormElement && aside instanceof HTMLElement) {
  const place = aside.querySelector('div')
  /** Fields that somebody has left: before that nothing is said of what he is still typing. @type {Set<string>} */
  const touched = new Set()
  let running = new AbortController()

  const check = async () => {
    running.abort()
    running = new AbortController()
    const answer = await post('/route/check', new FormData(form), running.signal)
    if (answer === null) return
    showFaults(answer.faults)
    showMeaning(answer)
  }

  /** @param {Record<string, string>} faults */
  const showFaults = (faults) => {
    for (const field of form.querySelectorAll('.field')) {
      const control = field.querySelector('input,select,textarea')
      const name = control?.getAttribute('name') ?? ''
      if (control === null || name === '') continue
      const isFirst = form.getAttribute('data-fresh') !== null && !touched.has(name)
      const text = isFirst ? '' : (faults[name] ?? '')
      const shown = field.querySelector('.error')
      if ((shown?.textContent ?? '') === text) continue
      shown?.remove()
      control.removeAttribute('aria-invalid')
      const ids = (control.getAttribute('aria-describedby') ?? '')
        .split(' ')
        .filter((id) => id !== '' && id !== `${name}-error`)
      if (text !== '') {
        const message = element('p', text, 'error')
        message.id = `${name}-error`
        control.after(message)
        control.setAttribute('aria-invalid', 'true')
        ids.unshift(message.id)
      }
      control.setAttribute('aria-describedby', ids.join(' '))
    }
  }

  /** @param {{ access: { kind: string, sentence: string }[], dangers: string[], warnings: string[], others: string[], differs: { kind: string, text: string }[], faults: object }} answer */
  const showMeaning = ({ access, dangers, warnings, others, differs, faults }) => {
    const wrong = Object.keys(faults).length + others.length > 0
    /** @type {HTMLElement[]} */
    const parts = []
    /** @param {string[]} items @param {string} className */
    const list = (items, className) => {
      if (items.length === 0) return
      const made = element('ul')
      made.append(...items.map((text) => element('li', text, className)))
      parts.push(made)
    }
    list(dangers, 'error')
    list(others, 'error')
    list(
      access.map(({ sentence }) => sentence),
      'name',
    )
    if (access.length === 0 && !wrong) {
      const words = differs.length === 0 ? 'Nothing differs.' : 'Nothing changes for who may enter.'
      parts.push(element('p', words, 'meta'))
    }
    if (wrong && others.length === 0)
      parts.push(element('p', 'There is something to mend first.', 'meta'))
    list(warnings, 'meta')
    if (differs.length > 0 && !wrong) {
      const lines = element('pre', '', 'diff')
      lines.tabIndex = 0
      lines.append(
        ...differs.map(({ kind, text }) => {
          const line = element(
            kind === 'gone' ? 'del' : 'ins',
            `${kind === 'gone' ? '−' : '+'} ${text.trim()}\n`,
          )
          line.className = kind
          return line
        }),
      )
      parts.push(lines)
    }
    place?.replaceChildren(...parts)
    aside.hidden = false
  }

  const soon = later(350, check)
  form.addEventListener('input', soon)
  form.addEventListener('change', (event) => {
    if (event.target instanceof Element) touched.add(event.target.getAttribute('name') ?? '')
    soon()
  })

  const probe = form.querySelector('[data-probe]')
  const target = document.getElementById('to.url')
  if (probe instanceof HTMLElement && target instanceof HTMLInputElement) {
    probe.hidden = false
    const button = probe.querySelector('button')
    const status = probe.querySelector('[role=status]')
    button?.addEventListener('click', async () => {
      if (status === null || target.value.trim() === '') return
      status.textContent = 'Asking …'
      const answer = await post('/api/v1/routes/probe', { target: target.value.trim() })
      const words = answer === null ? 'It could not be asked.' : `${answer.words} (${answer.ms} ms)`
      status.replaceChildren(
        element('span', words, `state ${answer?.ok === true ? 'good' : 'bad'}`),
      )
    })
  }
}
