package io.turnstile.port.linux;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The one thread of the process that may open and change network devices, where the process does not run as root: it
 * keeps CAP_NET_ADMIN and CAP_NET_RAW, and no other thread that runs code of the switch or of a plug-in has them
 * (capabilities(7): on Linux they are each thread's own). What an open port does, receiving and sending, needs none.
 *
 * <p>Until it is started, whoever wants something done of a device does it on his own thread.
 *
 * <p>Threads: any may ask; they wait for the answer. Nothing that runs here waits for another thread.
 */
public final class DeviceThread {
    private static final String NAME = "devices";

    private static volatile @Nullable ExecutorService thread;

    private DeviceThread() {}

    /**
     * Starts the thread, and takes all capabilities from the thread that calls this and so from all that come of it. To
     * be called once, before there are others. The threads of the Java machine itself stay as they are.
     */
    public static void keepRights() {
        ExecutorService started = Executors.newSingleThreadExecutor(
                task -> Thread.ofPlatform().daemon().name(NAME).unstarted(task));
        thread = started;
        run(ProcessRights::keepDeviceRights);
        ProcessRights.dropAll();
    }

    static <T> T call(Supplier<T> task) {
        ExecutorService present = thread;
        if (present == null || Thread.currentThread().getName().equals(NAME)) {
            return task.get();
        }
        return await(present.submit(task::get));
    }

    static void run(Runnable task) {
        call(() -> {
            task.run();
            return true;
        });
    }

    private static <T> T await(Future<T> answer) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return answer.get();
                } catch (InterruptedException e) {
                    interrupted = true; // A device that is half open would be nobody's: the answer is quick.
                } catch (ExecutionException e) {
                    throw thrown(e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static RuntimeException thrown(@Nullable Throwable cause) {
        if (cause instanceof Error error) {
            throw error;
        }
        return cause instanceof RuntimeException runtime ? runtime : new IllegalStateException(cause);
    }
}
