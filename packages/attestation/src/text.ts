/** Text that others wrote, made harmless for a screen. */

/** Controls, invisible formatting (which also turns the direction of text), line separators, halves of characters. */
const unprintable = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Of one statement in a report. */
const mostCharacters = 1000

/**
 * One line of what can be seen: whatever a terminal or a reader would take for something else than text becomes U+FFFD,
 * and what goes on for too long is cut.
 */
export const printable = (text: string, most = mostCharacters): string => {
  const shown = text.length > most ? `${text.slice(0, most)}… (${text.length - most} more characters)` : text
  return shown.replaceAll(unprintable, '\u{fffd}')
}
