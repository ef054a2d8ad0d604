package io.turnstile.bpf;

/**
 * The errors that bpf(2) gives, with what they mean there (bpf(2); errno(3); numbers from asm-generic/errno.h and
 * linux/errno.h).
 */
public enum Errno {
    // spotless:off
    EPERM     (1,   "not permitted"),
    ENOENT    (2,   "no such entry"),
    E2BIG     (7,   "no room for more, or an argument too large"),
    EBADF     (9,   "no such descriptor"),
    EAGAIN    (11,  "try again"),
    ENOMEM    (12,  "no memory"),
    EACCES    (13,  "refused by the verifier or for lack of rights"),
    EFAULT    (14,  "bad address"),
    EBUSY     (16,  "in use"),
    EEXIST    (17,  "exists already"),
    ENODEV    (19,  "no such device"),
    EINVAL    (22,  "invalid argument, or unknown to this kernel"),
    EMFILE    (24,  "too many descriptors"),
    ENOSPC    (28,  "buffer too small"),
    ERANGE    (34,  "out of range"),
    ENOSYS    (38,  "no such system call"),
    ENOTSOCK  (88,  "no socket"),
    EOPNOTSUPP(95,  "not supported"),
    ENOTSUPP  (524, "not supported by this kind of map or program");
    // spotless:on

    private final int number;
    private final String meaning;

    Errno(int number, String meaning) {
        this.number = number;
        this.meaning = meaning;
    }

    public int number() {
        return number;
    }

    /** The error as people read it: {@code ENOENT (no such entry)}. */
    static String describe(int number) {
        for (Errno errno : values()) {
            if (errno.number == number) {
                return errno.name() + " (" + errno.meaning + ")";
            }
        }
        return "errno " + number;
    }
}
