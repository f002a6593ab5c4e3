// The page of the event stream: shows each event as it arrives.

const log = document.querySelector('.log')
const state = document.querySelector('.state')

const source = new EventSource('/stream')

source.addEventListener('open', () => {
  state.textContent = 'connected'
})

source.addEventListener('error', () => {
  state.textContent = 'connection lost; the browser tries again by itself'
})

source.addEventListener('message', ({ data }) => {
  const { count, sentAt } = JSON.parse(data)
  log.textContent += `${count}   on the way for ${Math.max(0, Date.now() - sentAt)} ms\n`
  log.scrollTop = log.scrollHeight
})
