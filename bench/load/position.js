// Positions as the header Outpost-Position carries them: <generation>:<high>/<low>, the
// generation decimal and the LSN's halves hexadecimal, both without leading zeros.

// later says whether position a comes after b.
export function later(a, b) {
  const [x, y] = [a, b].map((position) => position.split(/[:/]/));
  for (let i = 0; i < 3; i++) {
    // Without leading zeros the longer number is the larger one.
    if (x[i].length !== y[i].length) {
      return x[i].length > y[i].length;
    }
    if (x[i] !== y[i]) {
      return x[i] > y[i];
    }
  }
  return false;
}
