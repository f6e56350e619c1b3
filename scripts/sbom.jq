# Makes a CycloneDX 1.6 document of `cargo metadata`: the packages that the binaries are built from, without those of tests.
# $checksums: SHA-256 by "name version", of Cargo.lock. $version: of the commit.

def purl: "pkg:cargo/\(.name)@\(.version)";
def built($nodes): [.deps[] | select(any(.dep_kinds[]; .kind != "dev")) | .pkg] | map(select($nodes[.]));
def licences:
    if .license then [{ expression: (.license | gsub(" */ *"; " OR ")) }] else [] end;

(.packages | INDEX(.id)) as $packages
| (.resolve.nodes | INDEX(.id)) as $nodes
| [.packages[] | select(any(.targets[]; .kind[] == "bin")) | .id] as $ids
| [.workspace_members[] | select(IN($ids[]))] as $binaries
| ({ seen: {}, next: $binaries }
    | until(.next == [];
        (.seen + (.next | map({ (.): true }) | add)) as $seen
        | { seen: $seen, next: ([.next[] | $nodes[.] | built($nodes)[]] | unique | map(select($seen[.] | not))) })
    | .seen | keys) as $used
| {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: { type: "application", "bom-ref": "carshare", name: "carshare", version: $version } },
    components: [$used[] | $packages[.] | {
        type: (if .source then "library" else "application" end),
        "bom-ref": .id,
        name,
        version,
        purl: (if .source then purl else null end),
        licenses: licences,
        hashes: [$checksums["\(.name) \(.version)"] // empty | { alg: "SHA-256", content: . }]
    } | with_entries(select(.value != null and .value != []))],
    dependencies: ([{ ref: "carshare", dependsOn: $binaries }]
        + [$used[] | $nodes[.] | { ref: .id, dependsOn: (built($nodes) | unique) }])
}
