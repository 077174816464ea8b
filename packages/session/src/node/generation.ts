/**
 * What is remembered of a journal outside its folder, where no backup reaches: one small file each.
 *
 *   0    magic 8 · journal id 16 · generation u32 · status u32 · entries at the last sync u64 · MAC 16; synced
 *   512  entries so far u64; written with each entry, not synced: right for as long as the system runs
 *
 * A copy of the journal's folder that is put back has fewer entries, or a lower generation, than what stands here.
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { execFileSync } from 'node:child_process'
import { equalBytes, taggedDigest, taggedMac, toHex } from '@tallystick/core'
import { syncFolder } from './files.ts'

export type Status = 'clean' | 'sent' | 'burned'
const statuses: readonly Status[] = ['clean', 'sent', 'burned']
const magic = Buffer.from('TALLYG1\n')
const blockBytes = 56
const counterAt = 512

export interface Generation {
  readonly generation: number
  /** `sent`: a frame has left since the last sync. */
  readonly status: Status
  readonly syncedEntries: number
  /** Only meaningful in the boot that wrote it. */
  readonly entries: number
}

export interface GenerationFile {
  /** The state that was found; undefined where there is no file, or not one of this journal. */
  read(): Generation | undefined
  /** Durable when it returns. */
  write(generation: number, status: Status, syncedEntries: number): void
  /** Survives the process, not a power loss. */
  count(entries: number): void
  close(): void
}

/** Where generations are kept by default: state of the user on this machine. */
export const defaultGenerations = (): string =>
  path.join(process.env['XDG_STATE_HOME'] ?? path.join(os.homedir(), '.local', 'state'), 'tallystick', 'generations')

const fileOf = (folder: string, journalId: Uint8Array): string => path.join(folder, toHex(journalId).slice(2))

export const openGeneration = (folder: string, journalId: Uint8Array, journalKey: Uint8Array): GenerationFile => {
  const file = fileOf(folder, journalId)
  const mac = (block: Uint8Array): Uint8Array =>
    taggedMac(journalKey, 'tallystick/journal-generation/v1', block).subarray(0, 16)
  let fd: number | undefined
  const open = (): number => {
    if (fd !== undefined) return fd
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
    const fresh = !fs.existsSync(file)
    fd = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600)
    if (fresh) {
      fs.writeSync(fd, new Uint8Array(counterAt + 8), 0, counterAt + 8, 0)
      fs.fsyncSync(fd)
      syncFolder(folder)
    }
    return fd
  }
  const counter = Buffer.alloc(8)
  return {
    read() {
      if (!fs.existsSync(file)) return undefined
      const bytes = Buffer.alloc(counterAt + 8)
      if (fs.readSync(open(), bytes, 0, bytes.length, 0) !== bytes.length) return undefined
      const block = bytes.subarray(0, blockBytes - 16)
      const status = statuses[bytes.readUInt32BE(28)]
      if (!block.subarray(0, 8).equals(magic) || !equalBytes(block.subarray(8, 24), journalId)) return undefined
      if (!equalBytes(mac(block), bytes.subarray(blockBytes - 16, blockBytes)) || status === undefined) return undefined
      return {
        generation: bytes.readUInt32BE(24),
        status,
        syncedEntries: Number(bytes.readBigUInt64BE(32)),
        entries: Number(bytes.readBigUInt64BE(counterAt)),
      }
    },
    write(generation, status, syncedEntries) {
      const bytes = Buffer.alloc(blockBytes)
      magic.copy(bytes)
      bytes.set(journalId, 8)
      bytes.writeUInt32BE(generation, 24)
      bytes.writeUInt32BE(statuses.indexOf(status), 28)
      bytes.writeBigUInt64BE(BigInt(syncedEntries), 32)
      bytes.set(mac(bytes.subarray(0, blockBytes - 16)), blockBytes - 16)
      fs.writeSync(open(), bytes, 0, blockBytes, 0)
      fs.fdatasyncSync(open())
    },
    count(entries) {
      counter.writeUInt32BE(Math.floor(entries / 2 ** 32), 0)
      counter.writeUInt32BE(entries >>> 0, 4)
      fs.writeSync(open(), counter, 0, 8, counterAt)
    },
    close() {
      if (fd !== undefined) fs.closeSync(fd)
      fd = undefined
    },
  }
}

export const removeGeneration = (folder: string, journalId: Uint8Array): void => {
  fs.rmSync(fileOf(folder, journalId), { force: true })
  fs.rmSync(`${fileOf(folder, journalId)}.lock`, { recursive: true, force: true })
}

/**
 * What names the running boot of this machine. Linux has a boot id, macOS a boot session; elsewhere it is the time of
 * the boot to 10 s, which a set clock may change: a session then ends as rewound although it was not.
 */
export const currentBoot = (): string => {
  if (process.platform === 'linux') return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  if (process.platform === 'darwin')
    return execFileSync('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim()
  return `uptime ${Math.round((Date.now() / 1000 - os.uptime()) / 10)}`
}

/** 16 bytes that name a boot to one journal only: the boot id itself would link journals of one machine. */
export const bootDigest = (boot: string, journalId: Uint8Array): Uint8Array =>
  taggedDigest('tallystick/boot/v1', boot, journalId).slice(0, 16)
