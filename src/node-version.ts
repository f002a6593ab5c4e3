// Is this Node one that package.json names? Read by releases so old that nothing else of ours would load.

/**
 * @param running such as `26.10.0`.
 * @param engines the ranges of package.json: `>=24.18.1 <25 || >=26.5.1`.
 */
export function suits(running: string, engines: string): boolean {
  return engines.split('||').some((range) =>
    range
      .trim()
      .split(/\s+/)
      .every((bound) => {
        const [, sign, version = ''] = /^(>=|<)([\d.]+)$/.exec(bound) ?? []
        const order = compare(running, version)
        return sign === '<' ? order < 0 : sign === '>=' && order >= 0
      }),
  )
}

function compare(a: string, b: string): number {
  const left = numbers(a)
  const right = numbers(b)
  for (const [index, part] of left.entries()) {
    const difference = part - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** A pre-release or nightly build counts as its version. */
function numbers(version: string): [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = version.split('-')[0]?.split('.').map(Number) ?? []
  return [major, minor, patch]
}
