/**
 * Loaded into a `tally` process before its own code (`node --import`), in place of a machine that loses power: the boot
 * id is the one that the environment names, and every sync of a file is written down with the size that it had. What
 * a file holds beyond its last sync is what a power loss may take. Linux only.
 */
import fs from 'node:fs'

const boot = process.env['FAULTS_BOOT']!
const log = process.env['FAULTS_SYNCS']!
const { readFileSync, fsyncSync, fdatasyncSync } = fs

fs.readFileSync = ((...args: Parameters<typeof readFileSync>) =>
  args[0] === '/proc/sys/kernel/random/boot_id' ? `${boot}\n` : readFileSync(...args)) as typeof readFileSync

const noting =
  (sync: (fd: number) => void) =>
  (fd: number): void => {
    sync(fd)
    const file = fs.readlinkSync(`/proc/self/fd/${fd}`)
    fs.appendFileSync(log, `${JSON.stringify({ file, size: fs.fstatSync(fd).size })}\n`)
  }
fs.fsyncSync = noting(fsyncSync)
fs.fdatasyncSync = noting(fdatasyncSync)
