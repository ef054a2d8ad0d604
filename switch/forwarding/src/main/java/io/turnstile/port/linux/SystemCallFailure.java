package io.turnstile.port.linux;

import io.turnstile.port.PortException;

/** Turns a negated errno into the exception that Interface:error shows. */
final class SystemCallFailure {
    private SystemCallFailure() {}

    /** Returns {@code result} if it is no error. */
    static int check(int result, String what) {
        if (result < 0) {
            throw of(what, result);
        }
        return result;
    }

    /** Why a port could not be opened, worded as {@code ovs-vsctl show} has it. */
    static PortException onOpen(String device, long negatedErrno) {
        return PortException.notOpened(device, text(negatedErrno));
    }

    /** Message as {@code what (Text of errno)}. */
    static PortException of(String what, long negatedErrno) {
        return new PortException(what + " (" + text(negatedErrno) + ")");
    }

    /** The error in words. */
    static String text(long negatedErrno) {
        return LibC.strerror((int) -negatedErrno);
    }
}
