// Codes of authenticator apps (RFC 6238): SHA-1, 6 digits, 30 seconds, as all apps understand them.

/** Seconds that a code is for. */
export const totpStepSeconds = 30

/** A new secret: 160 bits (RFC 4226 §4, R6) as base32 without padding. */
export async function newTotpSecret(): Promise<string> {
  const { generateSecret } = await import('otplib')
  return generateSecret({ length: 20 })
}

/** What the QR code for an app says: `otpauth://totp/issuer:account?secret=…`. */
export async function totpUri(parts: {
  /** What the app shows above the code: the domain. */
  readonly issuer: string
  readonly account: string
  readonly secret: string
}): Promise<string> {
  const { generateURI } = await import('otplib')
  return generateURI({ issuer: parts.issuer, label: parts.account, secret: parts.secret })
}

/**
 * Six digits out of what somebody typed or pasted: spaces and dashes between them do no harm.
 *
 * @returns `null`: not six digits.
 */
export function readTotpCode(text: string): string | null {
  const code = text.replace(/[\s-]/g, '')
  return /^[0-9]{6}$/.test(code) ? code : null
}

/**
 * Which time step is this code of? The current one, the one before or the one after are good (RFC 6238 §5.2).
 * A code counts once: the caller spends the step, atomically, or refuses.
 *
 * @param nowMs wall clock: it is what the app goes by too.
 * @returns `null`: none of the three, or a secret that cannot be used.
 */
export async function totpStep(
  secret: string,
  code: string,
  nowMs: number,
): Promise<number | null> {
  const { createGuardrails, verifySync } = await import('otplib')
  try {
    const result = verifySync({
      secret,
      token: code,
      epoch: Math.floor(nowMs / 1000),
      epochTolerance: totpStepSeconds,
      // Other programs made shorter secrets (80 bits); a person who moves keeps his app.
      guardrails: createGuardrails({ MIN_SECRET_BYTES: 10 }),
    })
    return result.valid && 'timeStep' in result ? result.timeStep : null
  } catch {
    // Its text says how long the secret is. A secret that cannot be read fits no code.
    return null
  }
}
