// The page of the WebSocket echo: sends what is typed, shows what comes back and how long it took.

const form = document.querySelector('form')
const input = document.querySelector('input')
const log = document.querySelector('.log')
const state = document.querySelector('.state')

const socket = new WebSocket(`wss://${location.host}/socket`)
const sent = []

socket.addEventListener('open', () => {
  state.textContent = 'connected'
  form.querySelector('button').disabled = false
})

socket.addEventListener('message', ({ data }) => {
  const since = sent.shift()
  write(
    since === undefined ? `← ${data}` : `← ${data}   ${(performance.now() - since).toFixed(1)} ms`,
  )
})

socket.addEventListener('close', ({ code }) => {
  state.textContent = `closed (${code}); reload to connect again`
  form.querySelector('button').disabled = true
})

form.addEventListener('submit', (event) => {
  event.preventDefault()
  if (input.value === '') return
  sent.push(performance.now())
  socket.send(input.value)
  write(`→ ${input.value}`)
  input.value = ''
})

function write(line) {
  log.textContent += `${line}\n`
  log.scrollTop = log.scrollHeight
}
