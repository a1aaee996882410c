// A few people for the simulated systems, in the shape of each system's create call.
const person = (firstName: string, lastName: string, more: object = {}) => ({
  firstName,
  lastName,
  email: `${firstName}.${lastName}@example.org`.toLowerCase(),
  ...more,
});
const address = (Vorname: string, Name: string, more: object = {}) => ({
  Vorname,
  Name,
  email: `${Vorname}.${Name}@example.org`.toLowerCase(),
  ...more,
});

export const people = {
  highlevel: [
    person("Anna", "Blum", { phone: "+4930123456", city: "Berlin", postalCode: "10115", address1: "Invalidenstr. 1" }),
    person("Bernd", "Kurz", { phone: "+498912345", city: "München", postalCode: "80331" }),
    person("Clara", "Voss", { companyName: "Voss Immobilien" }),
    person("Dilan", "Yilmaz", { dateOfBirth: "1984-03-09" }),
    person("Erik", "Sand", { website: "https://sand.example.org" }),
    person("Frieda", "Holm"),
    person("Gero", "Lang", { phone: "+4940555111" }),
    person("Hanna", "Reich", { tags: ["Kunde"] }),
  ],
  onoffice: [
    address("Anna", "Blum", { Plz: "10115", Ort: "Berlin", Strasse: "Invalidenstr. 1" }),
    address("Bernd", "Kurz", { Ort: "München", Plz: "80331" }),
    address("Clara", "Voss"),
    address("Dilan", "Yilmaz", { Geburtsdatum: "1984-03-09" }),
    // two that could both be one of the other side
    address("Frieda", "Holm", { Ort: "Kiel" }),
    address("Frieda", "Holm", { Ort: "Lübeck" }),
    address("Ines", "Weber", { Ort: "Hamburg" }),
    address("Jonas", "Kern", { Ort: "Bremen" }),
  ],
};
