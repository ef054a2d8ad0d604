package io.turnstile.appctl;

import org.jspecify.annotations.Nullable;

/** The levels and destinations of the log, in the words of {@code vlog/…} (ovs-appctl(8)). Threads: any. */
public interface LogControl {

    /**
     * Sets the level of a module at a destination.
     *
     * @param spec a module, a destination and a level in any order
     * @return what is wrong with the words; null if nothing is
     */
    @Nullable
    String set(String spec);

    /** The table of {@code vlog/list}. */
    String list();

    /**
     * Opens the log file anew, after it was moved away.
     *
     * @return what is wrong; null if nothing is
     */
    @Nullable
    String reopen();

    /**
     * Lifts the bounds on how often a module logs lines that packets bring about, or has them again.
     *
     * @param module empty, or {@code any}: all of them
     * @return whether there is such a module
     */
    boolean setBounded(String module, boolean bounded);

    /** Logs to no file any more, until it is reopened. */
    void close();
}
