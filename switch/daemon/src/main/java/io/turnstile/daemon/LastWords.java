package io.turnstile.daemon;

import io.turnstile.offload.HeapExhaustion;
import io.turnstile.openflow.SocketFile;
import io.turnstile.time.OncePerMinute;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a process that cannot go on, because there is no memory left or a forwarding thread has died: why goes to
 * the log file and to standard error, sockets and the pid file are removed, and the process ends with
 * {@link #EXIT_STATUS} at once, for a service manager to start it anew.
 *
 * <p>Where memory is exhausted nothing is sure to work, so this is one of two: the launcher has the Java machine run
 * {@code turnstile last-words} beside it, which does the same from outside if this has not done it within some seconds.
 * What that needs to know it reads from {@linkplain #leaveWill the will}.
 *
 * <p>Threads: any.
 */
final class LastWords {
    /** As {@code -XX:+ExitOnOutOfMemoryError} has it. */
    static final int EXIT_STATUS = 3;
    /** The launcher looks for this name among the process's open files. */
    static final String WILL = ".turnstile-last-words";

    private static final Logger LOG = LoggerFactory.getLogger(LastWords.class);
    /** Enough to make a line of, once it is given back. */
    private static final int RESERVE_BYTES = 4 << 20;

    private static final int MESSAGE_LENGTH = 200;
    private static final String FORWARDERS = "forwarder-";

    private final @Nullable Path log;
    private final Path pidFile;
    private final Supplier<List<Path>> sockets;
    private final OutputStream errors;
    private final IntConsumer halt;
    private final AtomicBoolean said = new AtomicBoolean();
    private final OncePerMinute told = new OncePerMinute();
    /** Held to be given back. */
    @SuppressWarnings("UnusedVariable")
    private byte @Nullable [] reserve = new byte[RESERVE_BYTES];
    /** Open as long as the process lives. */
    @SuppressWarnings("UnusedVariable")
    private @Nullable FileChannel will;

    /**
     * The last words of this process.
     *
     * @param sockets the Unix sockets that are there at the time
     */
    static LastWords ofProcess(@Nullable Path log, Path pidFile, Supplier<List<Path>> sockets) {
        // Not System.err, whose lock somebody may hold who has run out of memory as well.
        OutputStream errors = new FileOutputStream(FileDescriptor.err);
        return new LastWords(log, pidFile, sockets, errors, Runtime.getRuntime()::halt);
    }

    LastWords(@Nullable Path log, Path pidFile, Supplier<List<Path>> sockets, OutputStream errors, IntConsumer halt) {
        this.log = log;
        this.pidFile = pidFile;
        this.sockets = sockets;
        this.errors = errors;
        this.halt = halt;
    }

    /** From now on errors that nothing else catches are heard here, and so is the end of memory. */
    void listen() {
        Thread.setDefaultUncaughtExceptionHandler(this::uncaught);
        HeapExhaustion.handleBy(error -> say("out of memory", error));
    }

    /**
     * Writes down for the launcher where the pid file and the log file are: two lines in a file that has no name any
     * more, so that it is there as long as the process is, and never longer.
     */
    void leaveWill(Path folder) throws IOException {
        Path file = Files.createTempFile(folder, WILL, "");
        try {
            Files.writeString(file, pidFile.toAbsolutePath() + "\n" + (log == null ? "" : log) + "\n");
            will = FileChannel.open(file, StandardOpenOption.READ);
        } finally {
            Files.delete(file);
        }
    }

    void uncaught(Thread thread, Throwable error) {
        if (HeapExhaustion.is(error)) {
            say("out of memory", error);
        } else if (error instanceof Error && thread.getName().startsWith(FORWARDERS)) {
            say("a forwarding thread has died", error); // ports without a thread look alive and carry nothing
        } else if (told.isDue(error.getClass().getName())) {
            LOG.error("thread {} has ended by {}{}", thread.getName(), text(error), place(error));
        }
    }

    /** Says why, cleans up, and ends the process. Only the first call does. */
    void say(String what, Throwable error) {
        if (!said.compareAndSet(false, true)) {
            return;
        }
        reserve = null;
        try {
            write("the switch ends: " + what + ": " + text(error) + ", in thread "
                    + Thread.currentThread().getName() + place(error));
            sockets.get().forEach(LastWords::removeSocket);
            remove(pidFile); // last: what the launcher has started takes it as the sign that all is done
        } catch (Throwable e) { // contained: what is left to do is the launcher's
        } finally {
            halt.accept(EXIT_STATUS);
        }
    }

    private void write(String said) {
        String words = VlogLayout.oneLine(said);
        String line = VlogLayout.line(Instant.now(), "daemon", "EMER", words);
        append(log, line);
        try {
            errors.write(("turnstile: " + words + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // Nobody reads it.
        }
    }

    private static void append(@Nullable Path file, String line) {
        if (file != null) {
            try {
                Files.writeString(file, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            } catch (IOException e) {
                // Standard error still has it.
            }
        }
    }

    /** The socket by that name, if it is one: where something else is, the switch did not get to listen. */
    private static void removeSocket(Path file) {
        try {
            if (SocketFile.isSocket(file)) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            // The next start makes room for its own.
        }
    }

    private static void remove(Path file) {
        try {
            PidFile.removeOwn(file);
        } catch (IOException e) {
            // The next start overwrites it.
        }
    }

    /** The error's class and message. A plug-in's error may be one that cannot say it. */
    private static String text(Throwable error) {
        @Nullable String message;
        try {
            message = error.getMessage();
        } catch (Throwable e) { // contained: its class has to do
            message = null;
        }
        String kind = error.getClass().getName();
        if (message == null) {
            return kind;
        }
        return kind + ": "
                + (message.length() <= MESSAGE_LENGTH ? message : message.substring(0, MESSAGE_LENGTH) + "…");
    }

    /**
     * The innermost place in a plug-in, whose class loader has the jar's name; where there is none, the innermost
     * place.
     */
    private static String place(Throwable error) {
        try {
            return place(error.getStackTrace());
        } catch (Throwable e) { // contained, as above: there may not even be a trace
            return "";
        }
    }

    private static String place(StackTraceElement[] trace) {
        for (StackTraceElement frame : trace) {
            String loader = frame.getClassLoaderName();
            if (loader != null && loader.endsWith(".jar")) {
                return ", in plug-in " + loader + " at " + frame.getClassName() + "." + frame.getMethodName() + ":"
                        + frame.getLineNumber();
            }
        }
        return trace.length == 0 ? "" : ", at " + trace[0];
    }
}
