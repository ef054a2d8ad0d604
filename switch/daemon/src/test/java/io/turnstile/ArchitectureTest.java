package io.turnstile;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The arrows of docs/architecture.md: a dependency in the wrong direction fails the build here. */
class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .withImportOption(location -> !location.contains("/io/turnstile/testing/"))
            .importPackages("io.turnstile");

    /**
     * Every package stands in one layer: one that is new has to be given its place here and in docs/architecture.md.
     */
    @Test
    void everyArrowPointsDown() {
        layeredArchitecture()
                .consideringOnlyDependenciesInAnyPackage("io.turnstile..")
                .layer("address")
                .definedBy("io.turnstile.address..")
                .layer("time")
                .definedBy("io.turnstile.time..")
                .layer("packet")
                .definedBy("io.turnstile.packet..")
                .layer("conntrack")
                .definedBy("io.turnstile.conntrack..")
                .layer("spi")
                .definedBy("io.turnstile.offload.spi..")
                .layer("offload")
                .definedBy("io.turnstile.offload")
                .layer("providers")
                .definedBy("io.turnstile.offload.provider..")
                .layer("conformance")
                .definedBy("io.turnstile.offload.conformance..")
                .layer("bpf")
                .definedBy("io.turnstile.bpf..")
                .layer("ovsdb.schema")
                .definedBy("io.turnstile.ovsdb.schema..")
                .layer("ovsdb.data")
                .definedBy("io.turnstile.ovsdb.data..")
                .layer("ovsdb.server")
                .definedBy("io.turnstile.ovsdb.server..")
                .layer("ovsdb.client")
                .definedBy("io.turnstile.ovsdb.client..")
                .layer("port")
                .definedBy("io.turnstile.port..")
                .layer("datapath")
                .definedBy("io.turnstile.datapath..")
                .layer("path")
                .definedBy("io.turnstile.path..")
                .layer("flow")
                .definedBy("io.turnstile.pipeline.flow..")
                .layer("pipeline")
                .definedBy("io.turnstile.pipeline")
                .layer("openflow")
                .definedBy("io.turnstile.openflow..")
                .layer("tls")
                .definedBy("io.turnstile.tls..")
                .layer("bridge")
                .definedBy("io.turnstile.bridge..")
                .layer("control")
                .definedBy("io.turnstile.control..")
                .layer("telemetry")
                .definedBy("io.turnstile.telemetry..")
                .layer("appctl")
                .definedBy("io.turnstile.appctl..")
                .layer("embedded")
                .definedBy("io.turnstile.embedded..")
                .layer("daemon")
                .definedBy("io.turnstile.daemon..")
                .ensureAllClassesAreContainedInArchitecture()
                .whereLayer("address")
                .mayNotAccessAnyLayer()
                .whereLayer("time")
                .mayNotAccessAnyLayer()
                .whereLayer("packet")
                .mayOnlyAccessLayers("address")
                .whereLayer("conntrack")
                .mayOnlyAccessLayers("packet", "time", "address")
                .whereLayer("spi")
                .mayOnlyAccessLayers("address")
                .whereLayer("offload")
                .mayOnlyAccessLayers("conntrack", "spi", "time")
                .whereLayer("providers")
                .mayOnlyAccessLayers("spi", "bpf")
                .whereLayer("conformance")
                .mayOnlyAccessLayers("spi")
                .whereLayer("conformance")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("bpf")
                .mayNotAccessAnyLayer()
                .whereLayer("ovsdb.schema")
                .mayNotAccessAnyLayer()
                .whereLayer("ovsdb.data")
                .mayOnlyAccessLayers("ovsdb.schema")
                .whereLayer("ovsdb.server")
                .mayOnlyAccessLayers("ovsdb.data", "ovsdb.schema")
                .whereLayer("ovsdb.client")
                .mayOnlyAccessLayers("ovsdb.data", "ovsdb.schema")
                .whereLayer("port")
                .mayOnlyAccessLayers("packet", "time")
                .whereLayer("datapath")
                .mayOnlyAccessLayers("port", "packet", "conntrack", "time", "address")
                .whereLayer("path")
                .mayOnlyAccessLayers("datapath", "offload", "spi", "conntrack", "packet", "time")
                .whereLayer("path")
                .mayOnlyBeAccessedByLayers("embedded", "daemon")
                .whereLayer("flow")
                .mayOnlyAccessLayers("datapath", "packet", "conntrack", "address")
                .whereLayer("pipeline")
                .mayOnlyAccessLayers(
                        "flow", "datapath", "port", "offload", "spi", "conntrack", "packet", "time", "address")
                .whereLayer("openflow")
                .mayOnlyAccessLayers("pipeline", "flow", "datapath", "port", "packet", "conntrack", "time")
                .whereLayer("tls")
                .mayOnlyAccessLayers("openflow", "time")
                .whereLayer("tls")
                .mayOnlyBeAccessedByLayers("bridge", "daemon")
                .whereLayer("bridge")
                .mayOnlyBeAccessedByLayers("appctl", "daemon")
                .whereLayer("control")
                .mayNotAccessAnyLayer()
                .whereLayer("telemetry")
                .mayOnlyAccessLayers(
                        "offload", "spi", "conntrack", "openflow", "pipeline", "datapath", "port", "packet", "time")
                .whereLayer("appctl")
                .mayOnlyBeAccessedByLayers("daemon")
                .whereLayer("embedded")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("embedded")
                .mayOnlyAccessLayers(
                        "openflow",
                        "pipeline",
                        "flow",
                        "path",
                        "datapath",
                        "port",
                        "offload",
                        "spi",
                        "conntrack",
                        "packet",
                        "time",
                        "address")
                .whereLayer("daemon")
                .mayNotBeAccessedByAnyLayer()
                .check(CLASSES);
    }

    @Test
    void databasesAreReachedThroughTheirBackendOnly() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.turnstile.ovsdb..", "io.turnstile.daemon..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.turnstile.ovsdb.server..", "io.turnstile.ovsdb.client..")
                .check(CLASSES);
    }

    /** Each package for itself, so that circles between a package and one inside it are seen. */
    @Test
    void packagesAreFreeOfCycles() {
        slices().matching("io.turnstile.(**)").should().beFreeOfCycles().check(CLASSES);
    }

    /** Packages that stand below others of the same layer, which the layers above do not see. */
    @Test
    void innerArrowsPointOneWay() {
        noClasses()
                .that()
                .resideInAPackage("io.turnstile.port")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.turnstile.port.linux..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAPackage("io.turnstile.bpf.asm..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.turnstile.bpf")
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAPackage("io.turnstile.openflow.wire..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.turnstile.openflow")
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAPackage("io.turnstile.datapath..")
                .and()
                .haveNameNotMatching(".*ForwardingThreads.*")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.turnstile.port.linux..")
                .check(CLASSES);
    }

    @Test
    void theSwitchNamesNoProvider() {
        noClasses()
                .that()
                .resideOutsideOfPackage("io.turnstile.offload.provider..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.turnstile.offload.provider..")
                .check(CLASSES);
    }

    @Test
    void nobodyUsesUnsafe() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("sun.misc.Unsafe")
                .check(CLASSES);
    }
}
