/** `tally chain start | register`: a local chain in memory with the contracts on it, for trying out. */
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { deploy, startLocalChain } from '@tallystick/attestation/ledger'
import { TallyError, toHex } from '@tallystick/core'
import { loadPublicIdentity } from '@tallystick/session/node'
import { chainFormat, readChain, type ChainFile } from '../chain.ts'
import { writeJson } from '../files.ts'
import { interrupted } from '../interrupt.ts'
import type { Output } from '../output.ts'
import { registerParty } from '../registry.ts'

interface StartOptions {
  readonly port: string
  readonly out: string
}

const portOf = (text: string): number => {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port
  throw new TallyError('api/usage', 'self', `expected a port from 0 (any free one) to 65535 as --port, found "${text}"`)
}

/** Told before the chain starts, which would say less. */
const requireFree = async (port: number): Promise<void> => {
  const probe = createServer()
  const taken = await new Promise<boolean>((resolve) => {
    probe.once('error', () => resolve(true)).listen(port, '127.0.0.1', () => probe.close(() => resolve(false)))
  })
  if (!taken) return
  throw new TallyError('network/refused', 'self', `port ${port} of this machine cannot be listened on`, {
    remedy: 'another program has it, perhaps a chain that runs already; end that, or choose another --port',
  })
}

export const start = async (output: Output, options: StartOptions): Promise<void> => {
  const wanted = portOf(options.port)
  await requireFree(wanted)
  await using chain = await startLocalChain({ port: wanted })
  const [deployer, ...accounts] = chain.accounts
  const domain = toHex(randomBytes(32))
  const deployment = await deploy({ rpcUrl: chain.rpcUrl, privateKey: deployer!.privateKey, domain })
  const file: ChainFile = {
    format: chainFormat,
    rpcUrl: chain.rpcUrl,
    deployment,
    accounts: accounts.map(({ privateKey }) => privateKey),
    registrar: deployer!.privateKey,
  }
  await writeJson(options.out, file, true)
  output.report(
    { event: 'chain', file: options.out, rpcUrl: chain.rpcUrl, deployment: { ...deployment } },
    [
      `A local chain answers at ${chain.rpcUrl}; it lives in memory, until this command ends.`,
      `  parties       ${deployment.partyRegistry}`,
      `  computations  ${deployment.computationRegistry}`,
      `  anchors       ${deployment.anchor}`,
      `${options.out}: name it as --chain when you write terms, run and verify.`,
    ].join('\n'),
  )
  await interrupted()
}

/** Enters parties and their signing keys into the registry of the chain, as its registrar. */
export const register = async (
  output: Output,
  options: { readonly chain: string },
  paths: readonly string[],
): Promise<void> => {
  const chain = await readChain(options.chain)
  for (const path of paths) {
    const { name, party, signer } = loadPublicIdentity(path)
    await registerParty(chain, party, signer)
    output.report({ event: 'registered', name, party, signer }, `Registered ${name}: ${party} signs as ${signer}`)
  }
}
