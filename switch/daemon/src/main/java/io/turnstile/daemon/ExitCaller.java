package io.turnstile.daemon;

import org.jspecify.annotations.Nullable;

/** Who ends the Java machine by {@link System#exit}: in a plug-in anybody can. */
final class ExitCaller {
    private ExitCaller() {}

    /** The thread and the place that called it, to be asked by a shutdown hook; null if it was a signal. */
    static @Nullable String find() {
        return Thread.getAllStackTraces().entrySet().stream()
                .map(entry -> caller(entry.getKey().getName(), entry.getValue()))
                .filter(found -> !found.isEmpty())
                .findFirst()
                .orElse(null);
    }

    private static String caller(String thread, StackTraceElement[] trace) {
        for (int i = 0; i + 1 < trace.length; i++) {
            if (isExit(trace[i]) && !isExit(trace[i + 1])) {
                return "thread " + thread + " at " + trace[i + 1];
            }
        }
        return "";
    }

    private static boolean isExit(StackTraceElement frame) {
        return frame.getMethodName().equals("exit")
                && (frame.getClassName().equals("java.lang.System")
                        || frame.getClassName().equals("java.lang.Runtime"));
    }
}
