package io.turnstile.embedded;

import io.turnstile.offload.OffloadEvent;
import io.turnstile.offload.ProviderRegistry;
import io.turnstile.offload.ProviderStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * What an {@link EmbeddedSwitch} has to do with offload providers: {@code hw-offload} on and off, what they were told,
 * and how they stand. A provider that throws, declines or hangs is contained as in production; {@link #failures()} and
 * {@link #takeEvents()} say so.
 *
 * <p>Threads: those of the switch. Providers are called by the test's own thread, inside the call that gave reason to.
 */
public final class EmbeddedOffload {
    private final SwitchCore core;
    private final ProviderRegistry providers;
    private final Queue<OffloadEvent> events = new ConcurrentLinkedQueue<>();
    private String priority = "";

    EmbeddedOffload(SwitchCore core, ProviderRegistry providers) {
        this.core = core;
        this.providers = providers;
        core.dispatcher.addEventTap(events::add);
    }

    /**
     * {@code other_config:hw-offload}; off at the start. Turned on, providers are asked in the order of their
     * priorities, or in that of {@link #priority}, and are told of the connections that are there already. Turned on
     * when it is on, only what has changed about the choice of providers takes effect.
     */
    public void enable(boolean on) {
        core.run(() -> {
            if (on) {
                choose();
            } else {
                core.dispatcher.disable();
            }
        });
    }

    private void choose() {
        core.dispatcher.enableNamed(providers.inOrder(priority));
        core.dispatcher.drain();
    }

    /**
     * {@code other_config:hw-offload-priority}: provider names in the order in which they are to be asked, separated by
     * commas; {@code none} leaves out those that are not named before it. Empty: by the providers' own priorities.
     * Live: those that stay go on undisturbed.
     */
    public void priority(String names) {
        core.run(() -> {
            priority = names;
            if (core.dispatcher.isEnabled()) {
                choose();
            }
        });
    }

    /**
     * {@code other_config}, of which each provider is given its part: of {@code offload-NAME-queue-depth} it has
     * {@code queue-depth}. Takes the place of all settings given before. Live: providers that are up are told of what
     * is new to them before this returns.
     *
     * @param otherConfig with the whole keys, as the database has them; others than {@code offload-…} do nothing here
     */
    public void settings(Map<String, String> otherConfig) {
        core.run(() -> {
            core.dispatcher.setProviderSettings(otherConfig);
            core.dispatcher.drain();
        });
    }

    /** The providers in the order in which they are asked, and how each stands; one whose init failed says why. */
    public List<ProviderStatus> providers() {
        return core.call(core.dispatcher::providers);
    }

    /** What {@code ovs-appctl conntrack/offload-show} prints. */
    public String show() {
        return core.call(core.dispatcher::show);
    }

    /**
     * What providers have failed at so far, one line for each distinct cause, with count, first and last time (UTC),
     * after those that could not be used at all, because they have no name that is fit, say.
     */
    public List<String> failures() {
        List<String> failures = new ArrayList<>(providers.faults());
        failures.addAll(core.call(core.dispatcher::failures));
        return List.copyOf(failures);
    }

    /**
     * Takes what providers were told, in order: {@code add in=1}, {@code established in=2} (the reply's port),
     * {@code update in=1}, {@code del expired}; with the provider's name in front where there are several, and with
     * {@code declined: …} or {@code failed: …} behind. Questions whether a provider wants a connection are shown if it
     * declines. Ports are those of the datapath, which for the main bridge are its own.
     */
    public List<String> takeEvents() {
        boolean several = core.dispatcher.providers().size() > 1;
        return takeEventObjects().stream()
                .filter(event -> event.kind() != OffloadEvent.Kind.QUERY
                        || !event.resultText().equals("accepted"))
                .map(event -> (several ? event.provider() + " " : "") + OffloadEventText.of(event))
                .toList();
    }

    /** Takes the same with everything known of each, questions included. */
    public List<OffloadEvent> takeEventObjects() {
        return core.call(() -> EmbeddedPorts.takeAll(events));
    }
}
