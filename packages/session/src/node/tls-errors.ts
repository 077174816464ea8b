/** What the errors of sockets and of OpenSSL mean to the person who has to act. */
import { TallyError } from '@tallystick/core'
import type { Blame, ErrorCode, Hex } from '@tallystick/core'

type Stage = 'listen' | 'handshake' | 'open'
interface Meaning {
  readonly code: ErrorCode
  readonly blame: Blame | 'peer'
  readonly says: string
  readonly remedy: string
}

const unreachable: Meaning = {
  code: 'network/unreachable',
  blame: 'network',
  says: 'the address cannot be reached',
  remedy: 'check the address, the route and the firewalls between the parties',
}
const bySystemCode: Record<string, Meaning> = {
  ECONNREFUSED: {
    code: 'network/refused',
    blame: 'peer',
    says: 'nothing listens at the address',
    remedy: 'start the peer, or correct the address or port',
  },
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  EADDRNOTAVAIL: { ...unreachable, blame: 'self', says: 'this machine does not have the address' },
  ENOTFOUND: { ...unreachable, blame: 'self', says: 'the host name is not known' },
  EAI_AGAIN: { ...unreachable, says: 'the host name cannot be looked up now' },
  ETIMEDOUT: {
    code: 'network/timeout',
    blame: 'network',
    says: 'the address does not answer',
    remedy: 'check the route and the firewalls between the parties',
  },
  EADDRINUSE: {
    code: 'network/refused',
    blame: 'self',
    says: 'another program listens on the port',
    remedy: 'end that program or choose another port',
  },
  EACCES: {
    code: 'network/refused',
    blame: 'self',
    says: 'the system does not permit this port',
    remedy: 'choose a port above 1023, or grant the permission',
  },
}

const notTls: Meaning = {
  code: 'network/handshake',
  blame: 'peer',
  says: 'what answers does not speak TLS',
  remedy: 'check that address and port are those of a Tallystick listener, with no proxy in between',
}
const oldVersion: Meaning = {
  code: 'network/handshake',
  blame: 'peer',
  says: 'the other side does not speak TLS 1.3',
  remedy: 'the other side must use TLS 1.3; check that no proxy ends TLS in between',
}
const otherProtocol: Meaning = {
  code: 'peer/incompatible',
  blame: 'peer',
  says: 'the other side does not speak this version of the Tallystick link protocol',
  remedy: 'both sides must run versions of Tallystick that speak the same link protocol',
}
const byTlsCode: readonly (readonly [RegExp, Meaning])[] = [
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH|HTTP_REQUEST|HTTPS_PROXY|UNKNOWN_PROTOCOL|RECORD|BAD_EXTENSION|UNEXPECTED_MESSAGE/,
    notTls,
  ],
  [/UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|VERSION_TOO_LOW/, oldVersion],
  [/APPLICATION_PROTOCOL/, otherProtocol],
]
const handshake: Meaning = {
  code: 'network/handshake',
  blame: 'network',
  says: 'the TLS handshake failed',
  remedy: 'check that both sides speak TLS 1.3 with certificates made by Tallystick, with no proxy in between',
}
const closed: Meaning = {
  code: 'network/closed',
  blame: 'network',
  says: 'the connection was cut',
  remedy: 'run again when the peer and the network are up: a session that may resume continues where it was',
}

const meaningOf = (code: string, stage: Stage): Meaning => {
  const system = bySystemCode[code]
  if (system !== undefined) return system
  const found = byTlsCode.find(([pattern]) => pattern.test(code))
  if (found !== undefined && stage !== 'open') return found[1]
  return code.startsWith('ERR_SSL') || code === 'EPROTO' ? handshake : closed
}

/** The typed error for a failed socket; `error` is undefined where it closed without one. */
export const dialError = (error: unknown, peer: string, stage: Stage): TallyError => {
  if (error instanceof TallyError) return error
  const code = String((error as { code?: unknown } | undefined)?.code ?? 'closed')
  const { code: typed, blame, says, remedy } = meaningOf(code, stage)
  const during = { listen: 'listening at', handshake: 'the handshake with', open: 'the link to' }[stage]
  return new TallyError(typed, blame === 'peer' ? { peer } : blame, `${during} ${peer}: ${says} (${code})`, {
    remedy,
    cause: error,
  })
}

export const wrongCertificate = (peer: string, expected: Hex, found: Hex | undefined): TallyError =>
  new TallyError(
    'network/wrong-certificate',
    'network',
    `expected ${peer} to show the TLS key ${expected}, found ${found ?? 'no certificate'}`,
    {
      remedy:
        'another party answers at this address, the peer has changed its key, or somebody is in between: compare the ' +
        'fingerprint with the peer by another way before anything else',
    },
  )

/** A key that the listener does not know; with `cause` the same as the dialler sees it. */
export const refusedByListener = (peer: string, key: Hex | undefined, cause?: TallyError): TallyError => {
  const shown = key ?? 'no certificate'
  if (cause === undefined) {
    return new TallyError(
      'network/wrong-certificate',
      { peer },
      `expected a TLS key that is known here, found ${shown}`,
      {
        remedy: 'if this is a partner, take its identity into the terms; otherwise nothing is to be done',
      },
    )
  }
  if (!cause.message.endsWith('network/wrong-certificate')) return cause
  return new TallyError(
    'network/wrong-certificate',
    { peer },
    `expected ${peer} to know this party, found that it refuses our TLS key ${shown}`,
    { remedy: 'use the identity that the terms name, or have the peer accept this fingerprint', cause },
  )
}
