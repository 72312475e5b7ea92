// May this account use the product? Answered from a signed token, without a call; where there is no
// valid token, by asking Billhook. Copy this file into your product. Node 18 or newer, no packages.
//
//   const checker = new AccessChecker('https://billing.example.com', process.env.BILLHOOK_KEY)
//   app.use(session(…))
//   app.use(billhookAccess(checker, (request) => request.session.billhookAccount))
//
// A handler of Express finds the access in `request.access`. Who has none gets 402 with the reason.
// Make one checker and keep it: it keeps Billhook's keys.

import { createPublicKey, verify } from 'node:crypto'

export const COOKIE = 'billhook_access'
const CALL_MS = 3000
const KEYS_KEPT_SECONDS = 3600
// Anybody can send tokens that name invented keys: so the keys are not fetched for each of them.
const KEYS_AGAIN_SECONDS = 300
const FIRST_KEYS_AGAIN_SECONDS = 5
const CLOCKS_DIFFER_SECONDS = 60
const LONGEST_TOKEN = 8192

export class TokenRefused extends Error {}
export class AccessUnknown extends Error {}
class Answered extends Error {}

export class AccessChecker {
  #billhook
  #key
  #clock
  #keys = new Map()
  #triedAt = -Infinity
  #fetchedAt = -Infinity
  #fetching

  constructor(billhook, key, clock = () => Date.now() / 1000) {
    this.#billhook = billhook.replace(/\/$/, '')
    this.#key = key
    this.#clock = clock
  }

  // {access, newToken?, seconds?}: the access of an account that your own session names, and a token
  // to keep for so many seconds if a new one was fetched. Throws AccessUnknown.
  async check(token, account) {
    try {
      return { access: await this.verified(token ?? '', account) }
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error
    }
    try {
      const { token: newToken } = await this.#call('POST', account, '/access/token')
      const access = await this.verified(newToken, account)
      return { access, newToken, seconds: Math.floor(part(newToken.split('.')[1]).exp - this.#clock()) }
    } catch (error) {
      if (error instanceof Answered || error instanceof TokenRefused) {
        return { access: await this.asked(account) }
      }
      throw new AccessUnknown('Billhook cannot be reached.', { cause: error })
    }
  }

  // What a token tells, without a call to Billhook but for its keys. Throws TokenRefused.
  async verified(token, account) {
    const claims = await this.#claims(token)
    if (claims.sub !== account) throw new TokenRefused('It is of another account.')
    return access(claims, account)
  }

  // What Billhook answers. Throws AccessUnknown.
  async asked(account) {
    try {
      return access(await this.#call('GET', account, '/access'), account)
    } catch (error) {
      throw new AccessUnknown('Billhook gives no answer about this account.', { cause: error })
    }
  }

  async #claims(token) {
    const parts = token.split('.')
    if (token.length > LONGEST_TOKEN || parts.length !== 3) throw new TokenRefused('It is no token.')
    const header = part(parts[0])
    // The algorithm is ours to choose, never the token's.
    if (header.alg !== 'ES256' || 'crit' in header) throw new TokenRefused('It is not signed by ES256.')
    const key = await this.#keyOf(header.kid)
    const signature = bytes(parts[2])
    if (!key || signature.length !== 64) throw new TokenRefused('No key of Billhook’s signed it.')
    const signed = Buffer.from(`${parts[0]}.${parts[1]}`)
    if (!verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature)) {
      throw new TokenRefused('It was changed.')
    }
    const claims = part(parts[1])
    const now = this.#clock()
    if (claims.iss !== this.#billhook || claims.aud !== 'billhook-access') {
      throw new TokenRefused('It is from, or for, somebody else.')
    }
    if (!Number.isInteger(claims.exp) || claims.exp <= now) throw new TokenRefused('It has ended.')
    if (!Number.isInteger(claims.iat) || claims.iat > now + CLOCKS_DIFFER_SECONDS) {
      throw new TokenRefused('It is not valid yet.')
    }
    return claims
  }

  async #keyOf(kid) {
    const isOld = this.#clock() - this.#fetchedAt > KEYS_KEPT_SECONDS
    if (!this.#keys.has(kid) || isOld) {
      const pause = this.#keys.size ? KEYS_AGAIN_SECONDS : FIRST_KEYS_AGAIN_SECONDS
      if (!this.#fetching && this.#clock() - this.#triedAt >= pause) {
        this.#fetching = this.#fetch().finally(() => (this.#fetching = undefined))
      }
      await this.#fetching
    }
    return this.#keys.get(kid)
  }

  async #fetch() {
    this.#triedAt = this.#clock()
    try {
      const answer = await fetched(`${this.#billhook}/.well-known/jwks.json`, {})
      const known = answer.keys.filter((key) => key.kty === 'EC')
      this.#keys = new Map(known.map((key) => [key.kid, createPublicKey({ key, format: 'jwk' })]))
      this.#fetchedAt = this.#triedAt
    } catch {
      // Those of before go on. Log it: a product that never gets keys asks for each request.
    }
  }

  #call(method, account, what) {
    const headers = { authorization: `Bearer ${this.#key}` }
    return fetched(`${this.#billhook}/accounts/${encodeURIComponent(account)}${what}`, { method, headers })
  }
}

// Middleware for Express and what is like it. `accountOf` gives the account of who is signed in,
// nothing for nobody; `openTo` are the levels of access with which a request goes on.
export function billhookAccess(checker, accountOf, openTo = ['full', 'limited']) {
  return async (request, response, next) => {
    const account = accountOf(request)
    if (!account) return next()
    let checked
    try {
      checked = await checker.check(cookie(request.headers.cookie), account)
    } catch (error) {
      if (!(error instanceof AccessUnknown)) return next(error)
      return refuse(response, 503, { error: 'access_unknown' })
    }
    if (!openTo.includes(checked.access.level)) {
      return refuse(response, 402, { error: 'no_access', reason: checked.access.reason })
    }
    request.access = checked.access
    if (checked.newToken) {
      const kept = `Max-Age=${checked.seconds}; Path=/; HttpOnly; Secure; SameSite=Lax`
      const others = [response.getHeader('Set-Cookie') ?? []].flat()
      response.setHeader('Set-Cookie', [...others, `${COOKIE}=${checked.newToken}; ${kept}`])
    }
    next()
  }
}

function refuse(response, status, told) {
  response.statusCode = status
  response.setHeader('Content-Type', 'application/json')
  response.setHeader('Cache-Control', 'no-store')
  response.end(JSON.stringify(told))
}

async function fetched(url, options) {
  const answer = await fetch(url, { ...options, signal: AbortSignal.timeout(CALL_MS) })
  if (!answer.ok) throw new Answered(`Billhook answers ${answer.status}.`)
  return await answer.json()
}

function access(told, account) {
  const { access: level, reason, plan, features, quantity, until } = told
  return { account, level, reason, plan, features, quantity, until }
}

function cookie(header) {
  const found = (header ?? '').split('; ').find((one) => one.startsWith(`${COOKIE}=`))
  return found?.slice(COOKIE.length + 1)
}

function part(text) {
  let told
  try {
    told = JSON.parse(bytes(text).toString())
  } catch (error) {
    throw new TokenRefused('It is no token.', { cause: error })
  }
  if (told === null || typeof told !== 'object' || Array.isArray(told)) {
    throw new TokenRefused('It is no token.')
  }
  return told
}

function bytes(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new TokenRefused('It is no token.')
  return Buffer.from(text, 'base64url')
}
