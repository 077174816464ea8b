/** A chain for demonstrations and tests: one child process, in memory, bound to 127.0.0.1, with funded accounts. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TallyError, toHex } from '@tallystick/core'
import type { Hex } from '@tallystick/core'
import { addressOf } from '@tallystick/session/events'

export interface Account {
  readonly address: Hex
  readonly privateKey: Hex
}

export interface LocalChain extends AsyncDisposable {
  readonly rpcUrl: string
  readonly pid: number
  /** Fresh keys, each funded with 10,000 ether of this chain. */
  readonly accounts: readonly Account[]
  /** Ends the process and waits for its end. */
  close(): Promise<void>
}

export interface LocalChainOptions {
  readonly accounts?: number
  readonly chainId?: number
  /** 0 (the default) takes a free port. */
  readonly port?: number
  /** Milliseconds until the chain must answer. */
  readonly timeout?: number
}

const balance = 10_000n * 10n ** 18n

/**
 * Starts the chain in about half a second. It ends with `close`, and by itself when this process ends, however it ends.
 * @throws TallyError ledger/unreachable if it does not start, for instance because `hardhat` is not installed
 */
export const startLocalChain = async (options: LocalChainOptions = {}): Promise<LocalChain> => {
  const { accounts: count = 8, chainId = 31337, port = 0, timeout = 30_000 } = options
  const accounts = Array.from({ length: count }, (): Account => {
    const privateKey = randomBytes(32)
    return { address: addressOf(privateKey), privateKey: toHex(privateKey) }
  })
  // Compiled code of this process's folder: half of the time to start.
  const compiled = getCompileCacheDir()
  const child = fork(fileURLToPath(new URL('./chain-process.ts', import.meta.url)), {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: {
      ...{ PATH: process.env['PATH'], HOME: process.env['HOME'], HARDHAT_DISABLE_TELEMETRY: 'true', CI: 'true' },
      ...(compiled === undefined ? {} : { NODE_COMPILE_CACHE: dirname(compiled) }),
    },
  })
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-2000)))
  const ended = once(child, 'exit')
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  }

  const privateKeys = accounts.map(({ privateKey }) => privateKey)
  child.send({ privateKeys, balance: balance.toString(), chainId, port })
  const timer = new AbortController()
  try {
    const answer = await Promise.race([
      once(child, 'message', { signal: AbortSignal.any([timer.signal, AbortSignal.timeout(timeout)]) }),
      ended.then(() => [{ failure: stderr }]),
    ])
    const { port: bound, failure } = answer[0] as { port?: number; failure?: string }
    if (bound === undefined) throw new Error(failure)
    const rpcUrl = `http://127.0.0.1:${bound}`
    return { rpcUrl, pid: child.pid!, accounts, close, [Symbol.asyncDispose]: close }
  } catch (cause) {
    await close()
    throw new TallyError('ledger/unreachable', 'self', 'the local chain did not start', {
      remedy: 'install the package "hardhat" (a development dependency), or name the RPC address of a running chain',
      cause,
    })
  } finally {
    timer.abort()
  }
}
