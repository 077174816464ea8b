/** A chain that is down before, during and after a job: no result waits for it, and what it is to have arrives later. */
import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deploy, evmLedger, type Deployment } from '@tallystick/attestation/ledger'
import { toHex, type Hex } from '@tallystick/core'
import { writeJson } from '../../packages/cli/src/files.ts'
import { endOf, judge, openJob, verifyRecord, type Job } from './job.ts'
import { freePort, type Ended } from './processes.ts'
import type { Scenario } from './rewinds.ts'
import { sides, type Scene, type Side } from './scene.ts'

const requireThat = (condition: boolean, what: string): void => {
  if (!condition) throw new Error(what)
}

/** A port before the chain, which can be closed without the chain losing what it holds. */
interface Gate extends AsyncDisposable {
  readonly port: number
  open(target: number): Promise<void>
  /** Connections are refused, and those that stand are cut. */
  shut(): Promise<void>
}

const createGate = async (): Promise<Gate> => {
  const port = await freePort()
  const sockets = new Set<Socket>()
  let server: Server | undefined
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    return socket.once('close', () => sockets.delete(socket))
  }
  const shut = async (): Promise<void> => {
    const closed = server === undefined ? undefined : once(server, 'close')
    server?.close()
    server = undefined
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return {
    port,
    async open(target) {
      server = createServer((inner) => {
        const outer = keep(connect(target, '127.0.0.1'))
        keep(inner).pipe(outer).pipe(inner)
        inner.once('close', () => outer.destroy())
        outer.once('close', () => inner.destroy())
      })
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    shut,
    [Symbol.asyncDispose]: shut,
  }
}

const chainProcess = new URL('../../packages/attestation/src/ledger/chain-process.ts', import.meta.url)

/** A local chain that can be killed and started again with the same accounts, so with contracts at the same places. */
interface Chain extends AsyncDisposable {
  readonly file: string
  readonly gate: Gate
  deployment(): Deployment
  start(): Promise<void>
  kill(): Promise<void>
  /** Opens the gate to the chain that still runs. */
  reopen(): Promise<void>
}

const createChain = async (folder: string): Promise<Chain> => {
  const privateKeys = Array.from({ length: 3 }, (): Hex => toHex(randomBytes(32)))
  const domain = toHex(randomBytes(32))
  const gate = await createGate()
  const file = join(folder, `chain-${gate.port}.json`)
  let child: ChildProcess | undefined
  let inner = 0
  let deployment: Deployment | undefined

  const kill = async (): Promise<void> => {
    await gate.shut()
    if (child === undefined) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    child = undefined
    await ended
  }
  const start = async (): Promise<void> => {
    child = fork(fileURLToPath(chainProcess), { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    child.send({ privateKeys, balance: String(10n ** 22n), chainId: 31337, port: 0 })
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    const placed = await deploy({ rpcUrl: `http://127.0.0.1:${port}`, privateKey: privateKeys[0]!, domain })
    const same = deployment === undefined || placed.computationRegistry === deployment.computationRegistry
    requireThat(same, 'the contracts came to lie elsewhere')
    deployment = placed
    const rpcUrl = `http://127.0.0.1:${gate.port}`
    await writeJson(file, { format: 'tallystick/chain/1', rpcUrl, deployment, accounts: privateKeys.slice(1) }, true)
    inner = port
    await gate.open(port)
  }
  const reopen = (): Promise<void> => gate.open(inner)
  return { file, gate, deployment: () => deployment!, start, kill, reopen, [Symbol.asyncDispose]: kill }
}

const eventsOf = (ended: Ended | null, name: string) => ended?.events.filter(({ event }) => event === name) ?? []

/** Entries that wait for the chain, by side. */
const pendingOf = (endings: Readonly<Record<Side, Ended | null>>): number =>
  sides.reduce((sum, side) => sum + Number(eventsOf(endings[side], 'pending')[0]?.['entries'] ?? 0), 0)

/** propose, two commitments, start, close */
const entriesOfJob = 5

/** The chain holds the job, and both records say where; `verify` compares. */
const requireRecorded = async (job: Job, chain: Chain): Promise<void> => {
  const deployment = chain.deployment()
  const ledger = evmLedger({ rpcUrl: `http://127.0.0.1:${chain.gate.port}`, deployment })
  try {
    for (const side of sides) {
      const report = await verifyRecord(job, side, {
        chain: { deployment, find: ledger.find, findParty: ledger.findParty },
      })
      const chained = report.checks.filter(({ id }) => id.startsWith('chain') || id.startsWith('anchor'))
      const open = chained.filter(({ status }) => status !== 'passed').map(({ id, detail }) => `${id}: ${detail}`)
      requireThat(chained.length > 0 && open.length === 0, `${side}: on the chain: ${open.join('; ')}`)
      requireThat(report.verdict === 'consistent' && !report.failed, `${side}: verify says ${report.verdict}`)
    }
  } finally {
    ledger.close()
  }
}

const requireRight = async (job: Job, endings: Readonly<Record<Side, Ended | null>>): Promise<void> => {
  const { faults, attempt } = await judge(job, endings)
  requireThat(faults.length === 0, faults.join('; '))
  requireThat(attempt === 0, 'the chain cost an attempt')
}

/** Each side again, alone: what is done needs no partner. */
const runAgain = async (job: Job): Promise<string> => {
  const recorded: number[] = []
  for (const side of sides) {
    const ended = await job.start(side).ended
    requireThat(ended.code === 0, `${side} ended with ${ended.code} when it was run again`)
    requireThat(eventsOf(ended, 'pending').length === 0, `${side} still has entries that wait`)
    recorded.push(eventsOf(ended, 'recorded').length)
  }
  return `the same commands later, each alone, brought ${recorded.join(' and ')} entries to it`
}

const jobOn = async (scene: Scene, chain: Chain): Promise<Job> => {
  const job = await openJob(scene, chain.file)
  for (const side of sides) job.start(side)
  return job
}

const bothTell = async (job: Job, event: string): Promise<void> => {
  const told = await Promise.all(sides.map((side) => job.current[side]!.tells(event)))
  requireThat(!told.includes(false), `a side ended without "${event}"`)
}

const before: Scenario = {
  name: 'the chain is down before, during and for a minute after the job',
  async play(scene) {
    await using chain = await createChain(scene.folder)
    await chain.start()
    await chain.kill()
    const began = performance.now()
    const job = await jobOn(scene, chain)
    await bothTell(job, 'result')
    const seconds = (performance.now() - began) / 1000
    const endings = await endOf(job)
    await requireRight(job, endings)
    requireThat(pendingOf(endings) === 2 * entriesOfJob, `${pendingOf(endings)} entries wait`)
    await chain.start()
    const later = await runAgain(job)
    await requireRecorded(job, chain)
    return `both results after ${seconds.toFixed(1)} s, 5 entries waited at each side; ${later}`
  },
}

const during: Scenario = {
  name: 'the chain is killed in mid-run and started again',
  async play(scene) {
    await using chain = await createChain(scene.folder)
    await chain.start()
    const job = await jobOn(scene, chain)
    requireThat(await job.current.a!.reaches('running'), 'a never came to run')
    await chain.kill()
    await bothTell(job, 'result')
    await chain.start()
    const endings = await endOf(job)
    await requireRight(job, endings)
    requireThat(pendingOf(endings) === 0, `${pendingOf(endings)} entries wait`)
    await requireRecorded(job, chain)
    const recorded = sides.map((side) => eventsOf(endings[side], 'recorded').length)
    return `both results while it was down; ${recorded.join(' and ')} entries within the same run once it was back`
  },
}

const after: Scenario = {
  name: 'the chain is out of reach from its first entry on, for a minute',
  async play(scene) {
    await using chain = await createChain(scene.folder)
    await chain.start()
    const job = await jobOn(scene, chain)
    requireThat(await job.current.a!.tells('recorded'), 'a recorded nothing')
    await chain.gate.shut()
    const endings = await endOf(job)
    await requireRight(job, endings)
    const waiting = pendingOf(endings)
    requireThat(waiting > 0, 'nothing waits although the chain was out of reach')
    await chain.reopen()
    const later = await runAgain(job)
    await requireRecorded(job, chain)
    return `both results, ${waiting} of 10 entries waited; ${later}`
  },
}

export const chainScenarios: readonly Scenario[] = [before, during, after]
