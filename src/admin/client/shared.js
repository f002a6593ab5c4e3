// What the scripts of the admin have in common: asking the server. Browser module.

/**
 * Posts JSON to our own origin.
 *
 * @param {string} path
 * @param {unknown} body
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} `null`: refused, or not reached; the page works without
 */
export async function post(path, body, signal) {
  const csrf = document.querySelector('meta[name=csrf-token]')?.getAttribute('content') ?? ''
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        'x-csrf-token': csrf,
      },
      body: JSON.stringify(body),
      credentials: 'same-origin',
      redirect: 'error',
      ...(signal === undefined ? {} : { signal }),
    })
    return response.ok ? await response.json() : null
  } catch {
    return null
  }
}
