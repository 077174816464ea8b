/** Numbers for people. Not `toLocaleString`, whose first call loads 100 ms of locale data. */

/** 1234567 as 1,234,567. */
export const count = (n: number): string => String(n).replace(/\B(?=([0-9]{3})+$)/g, ',')

export const plural = (n: number, one: string, many: string): string => `${count(n)} ${n === 1 ? one : many}`

/** Bytes for a person. */
export const traffic = (bytes: number): string =>
  bytes < 100_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`

/** What a partner wrote must not begin a line that looks like one of ours. */
export const oneLine = (text: string): string => text.replaceAll(/[\r\n\v\f\u0085\u2028\u2029]+/g, ' ')
