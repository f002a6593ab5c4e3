// The page of the machine that sleeps: asks for the time, as a tab does that somebody forgot.

const state = document.querySelector('.state')

setInterval(async () => {
  const answer = await fetch('/desk/clock', { cache: 'no-store' }).catch(() => null)
  if (answer?.ok) {
    const { awakeMs } = await answer.json()
    state.textContent = `awake for ${Math.round(awakeMs / 1000)} s`
  } else if (answer?.status === 503) state.textContent = 'asleep; reload to wake it'
  else state.textContent = 'no answer'
}, 2000)
