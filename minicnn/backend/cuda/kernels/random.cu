// Noise from the stream of MT19937 (Matsumoto and Nishimura 1998), with the host's numbers. Word k of it is
//
//     word[k] = word[k - 227] ^ twist(word[k - 624], word[k - 623])
//
// so 227 words can be made at once. The state, as the host has it, too, is 624 words from one whose k is a multiple of
// 624 on, and how many of them have been taken: 1 to 624.

#define WORDS 624
#define AT_ONCE 227
#define RING 1024  // places, a power of two, and not fewer than WORDS + AT_ONCE
#define PLACE(k) ((unsigned)(k) % RING)

__device__ inline unsigned twist(unsigned upper, unsigned lower)
{
    unsigned mixed = (upper & 0x80000000u) | (lower & 0x7fffffffu);
    return mixed >> 1 ^ (mixed & 1 ? 0x9908b0dfu : 0);
}

// The next `most` words, or those of needed[0] values; the state then is behind them. One block. count = 1
extern "C" __global__ void random_words(Index count, unsigned *state, unsigned *words, Index most,
                                        const long long *needed, Index has_needed)
{
    __shared__ unsigned ring[RING];
    Index taken = state[WORDS], end = taken + (has_needed ? (Index)(2 * needed[0]) : most);
    Index last = (end + WORDS - 1) / WORDS * WORDS;  // the state is whole, so some words more may have to be made
    for (Index k = threadIdx.x; k < WORDS; k += blockDim.x) {
        ring[k] = state[k];
        if (k >= taken && k < end) words[k - taken] = ring[k];
    }
    __syncthreads();
    for (Index first = WORDS; first < last; first += AT_ONCE) {
        for (Index k = first + threadIdx.x; k < min(first + AT_ONCE, last); k += blockDim.x) {
            unsigned word = ring[PLACE(k - 227)] ^ twist(ring[PLACE(k - 624)], ring[PLACE(k - 623)]);
            ring[PLACE(k)] = word;
            if (k < end) words[k - taken] = word;
        }
        __syncthreads();
    }
    for (Index k = threadIdx.x; k < WORDS; k += blockDim.x) state[k] = ring[PLACE(last - WORDS + k)];
    if (threadIdx.x == 0) state[WORDS] = end - (last - WORDS);
}

__device__ inline unsigned tempered(unsigned word)
{
    word ^= word >> 11;
    word ^= word << 7 & 0x9d2c5680u;
    word ^= word << 15 & 0xefc60000u;
    return word ^ word >> 18;
}

// Value i of the stream in [0, 1): the lower 53 bits of two words, the first of which is the upper half.
__device__ inline double uniform(const unsigned *words, Index i)
{
    unsigned long long upper = tempered(words[2 * i]), lower = tempered(words[2 * i + 1]);
    return (double)((upper << 32 | lower) & 0x1fffffffffffffull) / 9007199254740992.0;
}

// noise[i] = `kept` with probability keep, else `dropped`. count = all numbers of noise
extern "C" __global__ void random_noise(Index count, const unsigned *words, double keep, double dropped, double kept,
                                        STORE *noise)
{
    EACH(i, count) noise[i] = (STORE)(REAL)(uniform(words, i) < keep ? kept : dropped);
}

// Where x <= 0 the next u*range + low, rounded once, else 1; ranks[i] are drawn up to x[i]. count = all numbers of x
extern "C" __global__ void random_slopes(Index count, const unsigned *words, const STORE *x, const long long *ranks,
                                         double low, double range, STORE *slopes)
{
    EACH(i, count)
    {
        bool below = (REAL)x[i] <= 0;
        slopes[i] = (STORE)(REAL)(below ? fma(uniform(words, (Index)ranks[i] - 1), range, low) : 1.0);
    }
}
