/**
 * What a command says. With `--json`: one JSON object a line on stdout and nothing else there. Without: text for a
 * person on stdout. Progress goes to stderr, as a bar only where that is a terminal.
 */
import { styleText } from 'node:util'
import { renderError, TallyError, type Json } from '@tallystick/core'

/** One thing that happened; `event` says which, the other fields are its own. */
export interface Report {
  readonly event: string
  readonly [field: string]: Json | undefined
}

export interface Progress {
  /** @param done fraction from 0 to 1; ignored after `stop` */
  update(what: string, done: number): void
  /** Takes the bar away for good, before other text is written. */
  stop(): void
}

export interface Output {
  readonly json: boolean
  /** @param text what a person reads; nothing if left out */
  report(report: Report, text?: string): void
  /** Text for a person only, for instance headings. */
  say(text: string): void
  /** Something to know that is no result: stderr. */
  note(text: string): void
  progress(): Promise<Progress>
  /** Styled only where stdout is a terminal that shows it. */
  style(format: Parameters<typeof styleText>[0], text: string): string
}

/**
 * Rows and names that a partner brought must not move the cursor, hide text or turn a line around. What stays: ends of
 * lines, and bold and the eight colours of `style`.
 */
const shown = (text: string): string => text.replaceAll(unfit, '\u{fffd}')
const escape = String.fromCodePoint(27)
const unfit = new RegExp(`(?!\\n|${escape}\\[(?:[012]|22|3[1-79])m)[\\p{Cc}\\p{Cf}]`, 'gu')

const silent: Progress = { update: () => {}, stop: () => {} }
/** Lines of their own on stderr: stdout is for what stays true. */
const jsonProgress: Progress = {
  update: (what, done) => void process.stderr.write(`${JSON.stringify({ event: 'progress', what, done })}\n`),
  stop: () => {},
}
const barWidth = 24

export const createOutput = (json: boolean): Output => ({
  json,
  report(report, text) {
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`)
    else if (text !== undefined) process.stdout.write(`${shown(text)}\n`)
  },
  say(text) {
    if (!json) process.stdout.write(`${shown(text)}\n`)
  },
  note(text) {
    process.stderr.write(`${json ? JSON.stringify({ event: 'note', text }) : shown(text)}\n`)
  },
  async progress() {
    if (json) return jsonProgress
    // A terminal without a width (some runners have one) can show no line again, and the library would try for ever.
    if (!process.stderr.isTTY || !(process.stderr.columns > 0)) return silent
    const { default: ora } = await import('ora')
    const spinner = ora({ stream: process.stderr, discardStdin: false })
    let stopped = false
    return {
      update(what, done) {
        if (stopped) return
        const filled = Math.round(barWidth * Math.min(1, done))
        const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
        spinner.text = `${bar} ${String(Math.floor(100 * done)).padStart(3)} % ${what}`
        if (!spinner.isSpinning) spinner.start()
      },
      stop() {
        stopped = true
        spinner.stop()
      },
    }
  },
  style: (format, text) => (json ? text : styleText(format, text, { stream: process.stdout })),
})

/** What the file system refused; its message names the call, which helps nobody. */
const diskErrors: Readonly<Record<string, readonly [found: string, remedy: string]>> = {
  EACCES: ['this user may not read or write it', 'give this user the permission, or name another place'],
  EPERM: ['this user may not read or write it', 'give this user the permission, or name another place'],
  EROFS: ['it is on a file system that is read-only', 'name another place'],
  ENOSPC: ['the disk is full', 'make room, then run the same command again'],
  EDQUOT: ['the disk quota of this user is used up', 'make room, then run the same command again'],
  EIO: ['the disk reports an error', 'check the disk'],
  EISDIR: ['it is a folder where a file is expected', 'move the folder away, or name a file'],
  ENOTDIR: ['a part of the path is a file where a folder is expected', 'correct the path'],
  EEXIST: ['it is there already', 'move it away, or name another place'],
  ENOENT: ['it is not there', 'check the path, as seen from the current folder'],
  EMFILE: ['this process has too many files open', 'raise the limit of open files (ulimit -n)'],
}

/** The calls of the file system, and not those of sockets, which refuse with the same words. */
const diskCalls: readonly string[] = [
  ...['open', 'read', 'write', 'fsync', 'fdatasync', 'ftruncate', 'close', 'stat', 'lstat', 'access', 'scandir'],
  ...['mkdir', 'mkdtemp', 'rename', 'rm', 'rmdir', 'unlink', 'copyfile', 'chmod'],
]

const diskError = (error: NodeJS.ErrnoException): TallyError | undefined => {
  const known = diskCalls.includes(error.syscall ?? '') ? diskErrors[error.code ?? ''] : undefined
  if (known === undefined) return undefined
  const { dest, path } = error as { dest?: string; path?: string }
  const place = dest ?? path ?? 'a file that is read or written'
  return new TallyError('journal/io', 'self', `${place}: ${known[0]}`, { remedy: known[1], cause: error })
}

/** Any failure as one that says whose side must act; what is none of ours is a defect of ours. */
export const asTallyError = (error: unknown): TallyError => {
  if (error instanceof TallyError) return error
  const onDisk = error instanceof Error ? diskError(error) : undefined
  if (onDisk !== undefined) return onDisk
  const { message, code } = error instanceof Error ? (error as NodeJS.ErrnoException) : { message: String(error) }
  return new TallyError(
    'invariant/broken',
    'self',
    `unexpected failure${code === undefined ? '' : ` (${code})`}: ${message}`,
    {
      remedy: 'run the command again with --debug, and report what it prints as a defect of Tallystick',
      cause: error,
    },
  )
}

const causes = (error: unknown): string[] => {
  if (!(error instanceof Error)) return []
  return [error.stack ?? String(error), ...causes(error.cause)]
}

/** Tells a failure and answers the exit code of its area. */
export const reportFailure = (thrown: unknown, json: boolean, debug: boolean): number => {
  const error = asTallyError(thrown)
  if (json) process.stdout.write(`${JSON.stringify({ event: 'error', ...error.toJSON(), exitCode: error.exitCode })}\n`)
  else process.stderr.write(`${renderError(error)}\n`)
  if (debug) process.stderr.write(`${causes(error).join('\ncaused by ')}\n`)
  return error.exitCode
}
