package io.turnstile.pipeline;

import io.turnstile.datapath.DatapathFlow;
import io.turnstile.datapath.Meter;
import io.turnstile.datapath.MeterBand;
import io.turnstile.pipeline.flow.FlowRemovedReason;
import io.turnstile.pipeline.flow.MeterMod;
import io.turnstile.pipeline.flow.OfAction;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The meters of a bridge. A modified meter measures by its new bands from then on; datapath flows go on naming it.
 *
 * <p>Threads: changes under the change lock and the table lock, the rest under the table lock.
 */
final class MeterTable {
    private record Entry(int id, int flags, List<MeterBand> bands, Meter meter, long createdNs) {}

    private final Pipeline pipeline;
    /** Concerned when the meter of packets to controllers comes or goes. */
    private final Dependents bridgeDependents;

    /** Concerned when a meter comes or goes: they have packets to controllers pass one of their own choice. */
    private final Dependents packetInReaders = new Dependents();

    private final RuleReferences references;
    private final Map<Integer, Entry> meters = new TreeMap<>(Integer::compareUnsigned);

    MeterTable(Pipeline pipeline, Dependents bridgeDependents, RuleReferences references) {
        this.pipeline = pipeline;
        this.bridgeDependents = bridgeDependents;
        this.references = references;
    }

    // ---- what packets meet ----

    /** The meter, null if there is none of that id. */
    @Nullable
    Meter find(int id) {
        Entry entry = meters.get(id);
        return entry == null ? null : entry.meter;
    }

    /**
     * The meter that packets to the controllers pass, null if there is none.
     *
     * @param asked {@link OfAction.Controller#NO_METER}, or the one to be used if it is there
     */
    @Nullable
    Meter ofPacketIns(int asked, WalkRecorder recorder) {
        if (asked != OfAction.Controller.NO_METER) {
            recorder.restsOn(packetInReaders);
            Meter own = find(asked);
            if (own != null) {
                return own;
            }
        }
        return find(MeterMod.CONTROLLER);
    }

    boolean has(int id) {
        return meters.containsKey(id);
    }

    // ---- change ----

    /** @param flows the same change's modifications of flows */
    void apply(MeterMod mod, FlowModification flows, Effects effects) throws OfException {
        mod.check();
        Entry present = meters.get(mod.meterId());
        switch (mod.command()) {
            case ADD -> {
                if (present != null) {
                    throw new OfException(OfErrorCode.OFPMMFC_METER_EXISTS, "meter " + mod.meterId());
                }
                add(mod, effects);
            }
            case MODIFY -> {
                if (present == null) {
                    throw new OfException(OfErrorCode.OFPMMFC_UNKNOWN_METER, "meter " + mod.meterId());
                }
                present.meter.configure(mod.countsPackets(), mod.bands(), pipeline.nowNs());
                meters.put(mod.meterId(), entry(mod, present.meter, present.createdNs));
            }
            case DELETE -> {
                if (mod.meterId() == MeterMod.ALL) {
                    deleteAll(flows, effects);
                } else if (present != null) {
                    delete(List.of(present), flows, effects);
                }
            }
        }
    }

    private void add(MeterMod mod, Effects effects) throws OfException {
        int number = pipeline.meterNumbers().take();
        if (number < 0) {
            throw new OfException(OfErrorCode.OFPMMFC_OUT_OF_METERS, "there are too many meters");
        }
        Meter meter = new Meter(number, mod.countsPackets(), mod.bands(), pipeline.nowNs());
        meters.put(mod.meterId(), entry(mod, meter, pipeline.nowNs()));
        reachPacketIns(mod.meterId(), effects);
    }

    private void reachPacketIns(int id, Effects effects) {
        effects.everythingThrough(id == MeterMod.CONTROLLER ? bridgeDependents : packetInReaders);
    }

    private static Entry entry(MeterMod mod, Meter meter, long createdNs) {
        return new Entry(mod.meterId(), mod.flags(), List.copyOf(mod.bands()), meter, createdNs);
    }

    /** All of them go, and the flows with them. */
    void deleteAll(FlowModification flows, Effects effects) {
        delete(List.copyOf(meters.values()), flows, effects);
    }

    /** The bridge goes: others may have the numbers. */
    void forgetAll() {
        meters.values().forEach(entry -> pipeline.meterNumbers().give(entry.meter.number()));
        meters.clear();
    }

    private void delete(List<Entry> gone, FlowModification flows, Effects effects) {
        for (Entry entry : gone) {
            flows.removeAll(references.ofMeter(entry.id), FlowRemovedReason.METER_DELETE);
            reachPacketIns(entry.id, effects);
            effects.breathe();
        }
        effects.include(new Removal(gone));
    }

    /** The meters stay until their flows go. */
    private final class Removal implements Modification {
        private final List<Entry> gone;

        Removal(List<Entry> gone) {
            this.gone = gone;
        }

        @Override
        public void undo() {
            // Nothing was taken out.
        }

        @Override
        public void takeEffect() {
            for (Entry entry : gone) {
                meters.remove(entry.id);
                pipeline.meterNumbers().give(entry.meter.number());
            }
        }

        @Override
        public boolean concernsFlows() {
            return false;
        }

        @Override
        public void collectConcerned(Collection<DatapathFlow> concerned) {
            // Those of the rules that go.
        }

        @Override
        public void cleanUp() {
            // Nothing is kept.
        }

        @Override
        public void end() {
            // Nothing is kept.
        }
    }

    // ---- what there is ----

    private List<Entry> oneOrAll(int id) throws OfException {
        if (id == MeterMod.ALL) {
            return List.copyOf(meters.values());
        }
        Entry entry = meters.get(id);
        if (entry == null) {
            throw new OfException(OfErrorCode.OFPMMFC_UNKNOWN_METER, "meter " + Integer.toUnsignedString(id));
        }
        return List.of(entry);
    }

    List<OpenFlowSwitch.MeterConfig> configurations(int id) throws OfException {
        return oneOrAll(id).stream()
                .map(entry -> new OpenFlowSwitch.MeterConfig(entry.id, entry.flags, entry.bands))
                .toList();
    }

    List<OpenFlowSwitch.MeterStats> statistics(int id, long nowNs) throws OfException {
        return oneOrAll(id).stream()
                .map(entry -> new OpenFlowSwitch.MeterStats(
                        entry.id,
                        references.countOfMeter(entry.id),
                        Math.max(0, nowNs - entry.createdNs),
                        entry.meter.statistics()))
                .toList();
    }
}
