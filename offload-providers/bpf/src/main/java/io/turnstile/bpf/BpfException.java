package io.turnstile.bpf;

import java.io.IOException;
import java.util.Optional;

/** What the kernel did not do: what was asked, the error, and the verifier's log if a program was refused. */
public final class BpfException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String summary;
    private final int errno;
    private final transient Optional<VerifierLog> log;

    private BpfException(String summary, int errno, Optional<VerifierLog> log) {
        super(log.map(said -> summary + "\n" + said.annotated()).orElse(summary));
        this.summary = summary;
        this.errno = errno;
        this.log = log;
    }

    static BpfException of(String asked, int negatedErrno) {
        return new BpfException(asked + ": " + Errno.describe(-negatedErrno), -negatedErrno, Optional.empty());
    }

    static BpfException refused(String asked, int negatedErrno, VerifierLog log) {
        String summary = asked + ": " + Errno.describe(-negatedErrno) + ": " + log.reason();
        return new BpfException(summary, -negatedErrno, Optional.of(log));
    }

    /** Returns {@code result} if it is no error. */
    static int check(int result, String asked) throws BpfException {
        if (result < 0) {
            throw of(asked, result);
        }
        return result;
    }

    /** The message without the verifier's log: one line. */
    public String summary() {
        return summary;
    }

    public boolean is(Errno error) {
        return errno == error.number();
    }

    /** The number of the error, for those that {@link Errno} does not have. */
    public int errno() {
        return errno;
    }

    /** What the verifier said, if it was asked. */
    public Optional<VerifierLog> verifierLog() {
        return log;
    }
}
