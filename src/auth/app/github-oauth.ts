// From GitHub's callback to a token (RFC 6749 §4.1.2-4.1.4 with PKCE and issuer), by oauth4webapi.

import type { GithubSettings } from '../../model.ts'
import { type Attempt, ProviderError, type ProviderFailure } from './provider.ts'
import { askProvider, isSafeAddress, jsonObject } from './provider-http.ts'

/**
 * Checks the callback and redeems its code.
 *
 * @returns the access token.
 * @throws ProviderError
 */
export async function redeemCode(input: {
  readonly settings: GithubSettings
  readonly app: { readonly clientId: string; readonly secret: string }
  readonly callback: URLSearchParams
  readonly attempt: Attempt
}): Promise<string> {
  const { settings, app, callback, attempt } = input
  const oauth = await import('oauth4webapi')
  const issuer = `${new URL(settings.url).origin}/login/oauth`
  const server = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/access_token`,
  }
  const client = { client_id: settings.clientId }

  // RFC 9207: Enterprise servers may not say `iss` yet, but what is said must be right. The library lets an empty one pass.
  if (callback.has('iss') && callback.get('iss') !== server.issuer) {
    throw new ProviderError('invalid', 'issuer')
  }
  let checked: URLSearchParams
  try {
    checked = oauth.validateAuthResponse(server, client, callback, attempt.state)
  } catch (error) {
    if (error instanceof oauth.AuthorizationResponseError) throw refusal(error.error)
    throw new ProviderError('invalid', 'callback')
  }
  const codes = checked.getAll('code')
  if (codes.length !== 1 || !/^[\w.~-]{1,512}$/.test(codes[0] ?? '')) {
    throw new ProviderError('invalid', 'no-code')
  }

  let body: Readonly<Record<string, unknown>> | null = null
  try {
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.ClientSecretPost(app.secret),
      checked,
      attempt.redirectUri,
      attempt.verifier,
      {
        // Plain HTTP is for this machine alone; `askProvider` sees to that as well.
        [oauth.allowInsecureRequests]: isSafeAddress(settings.url),
        [oauth.customFetch]: async (url, options) => {
          const answer = await askProvider(url, {
            method: 'POST',
            headers: options.headers,
            body: options.body,
          })
          body = jsonObject(answer.body)
          // GitHub's answer for a client id it does not know.
          if (answer.status === 404) throw new ProviderError('misconfigured', 'unknown-client')
          if (answer.status !== 200 && typeof body?.error !== 'string') {
            throw new ProviderError('unavailable', `token-status-${answer.status}`)
          }
          if (body === null) throw new ProviderError('unavailable', 'token-not-json')
          // Errors come with status 200, which the library takes for an answer that is broken.
          if (typeof body.error === 'string') throw refusal(body.error)
          return new Response(answer.body, { status: answer.status, headers: jsonHeaders })
        },
      },
    )
    const token = await oauth.processAuthorizationCodeResponse(server, client, response)
    if (!/^[\w.~+/=-]{1,512}$/.test(token.access_token)) {
      throw new ProviderError('unavailable', 'token-unreadable')
    }
    return token.access_token
  } catch (error) {
    if (error instanceof ProviderError) throw error
    throw new ProviderError('unavailable', 'token-unreadable')
  }
}

/** The body has been read as JSON, whatever it was called. */
const jsonHeaders = { 'content-type': 'application/json' }

/**
 * GitHub's words for what is wrong, at either endpoint, and the standard's (RFC 6749 §4.1.2.1, §5.2).
 * https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
 */
const refusals: Readonly<Record<string, ProviderFailure>> = {
  access_denied: 'denied',
  // Its address is not verified: nothing that we or the owner could do.
  unverified_user_email: 'not-allowed',
  bad_verification_code: 'invalid',
  invalid_grant: 'invalid',
  application_suspended: 'misconfigured',
  redirect_uri_mismatch: 'misconfigured',
  incorrect_client_credentials: 'misconfigured',
  invalid_client: 'misconfigured',
  unauthorized_client: 'misconfigured',
  unsupported_grant_type: 'misconfigured',
  unsupported_response_type: 'misconfigured',
  invalid_request: 'misconfigured',
  invalid_scope: 'misconfigured',
  server_error: 'unavailable',
  temporarily_unavailable: 'unavailable',
}

/** Text from outside is never repeated: a word that is not in the list is called `other`. */
function refusal(word: string): ProviderError {
  const code = Object.hasOwn(refusals, word) ? refusals[word] : undefined
  if (code === undefined) return new ProviderError('invalid', 'other')
  return new ProviderError(code, word.replaceAll('_', '-'))
}
