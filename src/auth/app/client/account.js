// Small conveniences of the account pages; everything works without them. Browser module.

for (const button of document.querySelectorAll('button[data-print]')) {
  if (!(button instanceof HTMLButtonElement)) continue
  button.hidden = false
  button.addEventListener('click', () => print())
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
