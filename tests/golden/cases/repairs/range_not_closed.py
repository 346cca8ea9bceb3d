def sieve(n):
    """All primes below `n`."""
    is_prime = [True] * n
    primes = []
    for i in range(2, n:
        if is_prime[i]:
            primes.append(i)
            for multiple in range(i * i, n, i):
                is_prime[multiple] = False
    return primes
# output
def sieve(n):
    """All primes below `n`."""
    is_prime = [True] * n
    primes = []
    for i in range(2, n):
        if is_prime[i]:
            primes.append(i)
            for multiple in range(i * i, n, i):
                is_prime[multiple] = False
    return primes
