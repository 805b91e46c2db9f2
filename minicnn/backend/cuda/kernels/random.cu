// Noise from the stream of MT19937 (Matsumoto and Nishimura 1998), with the host's numbers. Its state lies in the
// device's memory: 624 words, and how many of them have been taken. From one 624 words the next come by
//
//     next[i] = before[i + 397] ^ twist(before[i], before[i + 1])
//
// where what lies behind `before` is `next`. So 227 words can be made at once, and then the 227 that need those.

#define WORDS 624
#define AHEAD 397
#define AT_ONCE (WORDS - AHEAD)

__device__ inline unsigned twist(unsigned upper, unsigned lower)
{
    unsigned mixed = (upper & 0x80000000u) | (lower & 0x7fffffffu);
    return mixed >> 1 ^ (mixed & 1 ? 0x9908b0dfu : 0);
}

// The stream's next words, as they are in the state; all threads of one block.
__device__ inline void refill(const unsigned *before, unsigned *next)
{
    for (int first = 0; first < WORDS; first += AT_ONCE) {
        int end = min(first + AT_ONCE, WORDS);
        for (int i = first + threadIdx.x; i < end; i += blockDim.x) {
            unsigned ahead = i < AT_ONCE ? before[i + AHEAD] : next[i - AT_ONCE];
            next[i] = ahead ^ twist(before[i], i + 1 < WORDS ? before[i + 1] : next[0]);
        }
        __syncthreads();
    }
}

// The next `most` words, or those of needed[0] values; the state then is behind them. One block. count = 1
extern "C" __global__ void random_words(Index count, unsigned *state, unsigned *words, Index most,
                                        const long long *needed, Index has_needed)
{
    __shared__ unsigned shared[2 * WORDS];
    unsigned *now = shared, *other = shared + WORDS;
    int taken = state[WORDS];
    Index end = has_needed ? (Index)(2 * needed[0]) : most;
    for (int i = threadIdx.x; i < WORDS; i += blockDim.x) now[i] = state[i];
    __syncthreads();
    for (Index done = 0; done < end;) {
        if (taken == WORDS) {
            refill(now, other);
            unsigned *made = other;
            other = now;
            now = made;
            taken = 0;
        }
        int some = (int)min((Index)(WORDS - taken), end - done);
        for (int i = threadIdx.x; i < some; i += blockDim.x) words[done + i] = now[taken + i];
        done += some;
        taken += some;
    }
    for (int i = threadIdx.x; i < WORDS; i += blockDim.x) state[i] = now[i];
    if (threadIdx.x == 0) state[WORDS] = taken;
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
