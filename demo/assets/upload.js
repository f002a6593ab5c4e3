// The page of the upload: sends a file, shows progress and the hash the service computed.

const form = document.querySelector('form')
const file = document.querySelector('input')
const progress = document.querySelector('progress')
const result = document.querySelector('.log')

form.addEventListener('submit', (event) => {
  event.preventDefault()
  const [chosen] = file.files
  if (chosen === undefined) return
  // fetch() tells nothing of an upload's progress.
  const request = new XMLHttpRequest()
  request.open('PUT', '/file')
  request.upload.addEventListener('progress', ({ loaded, total }) => {
    progress.max = total
    progress.value = loaded
  })
  request.addEventListener('load', () => {
    result.textContent = request.responseText
  })
  request.addEventListener('error', () => {
    result.textContent = 'the connection broke'
  })
  request.send(chosen)
})
